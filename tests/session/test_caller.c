/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/caller_signals.h"

/*
 * fs/caller_signals.c: whether the caller of a request is about to end (SEMANTICS 11.2).
 */

static bool is_ending(const char *text)
{
	FILE *status = fmemopen((char *)text, strlen(text), "r");
	bool ending;

	assert_non_null(status);
	ending = caller_status_has_fatal_signal(status);
	fclose(status);
	return ending;
}

static void made_up_files(void **state)
{
	static const struct {
		const char *text;
		bool ending;
	} cases[] = {
		/* No signal is pending. */
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"
		 "SigBlk:\t0000000000000000\n",
			false},
		/* HUP, INT, QUIT, KILL and TERM, pending for the thread or for the
		 * process. */
		{"SigPnd:\t0000000000000001\n", true},
		{"SigPnd:\t0000000000000002\n", true},
		{"SigPnd:\t0000000000000004\n", true},
		{"SigPnd:\t0000000000000100\n", true},
		{"SigPnd:\t0000000000004000\n", true},
		{"ShdPnd:\t0000000000000001\n", true},
		{"ShdPnd:\t0000000000000002\n", true},
		{"ShdPnd:\t0000000000000004\n", true},
		{"ShdPnd:\t0000000000000100\n", true},
		{"ShdPnd:\t0000000000004000\n", true},
		/* Every signal except these five. */
		{"SigPnd:\tffffffffffffbef8\nShdPnd:\tffffffffffffbef8\n", false},
		/* A blocked signal does not count, whether its line comes first or last;
		 * if one of two is blocked, the other counts. */
		{"SigPnd:\t0000000000004000\nSigBlk:\t0000000000004000\n", false},
		{"SigBlk:\t0000000000004000\nShdPnd:\t0000000000004000\n", false},
		{"SigPnd:\t0000000000004002\nSigBlk:\t0000000000004000\n", true},
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\n"
		 "SigBlk:\t0000000000004000\n",
			true},
		/* It makes no difference whether the signal is ignored or caught. */
		{"SigPnd:\t0000000000004000\nSigIgn:\t0000000000004000\n", true},
		{"SigPnd:\t0000000000004000\nSigCgt:\t0000000000004000\n", true},
		/* Names that resemble the expected ones. */
		{"Name:\tSigPnd: 4000\nSigPnd:\t0000000000000000\n", false},
		{"XSigPnd:\t0000000000004000\n", false},
		{"SigPnd\t0000000000004000\n", false},
		{"SigPnd:\tnothing\n", false},
		/* The last line does not end with a newline. */
		{"ShdPnd:\t0000000000004000", true},
		{"\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (is_ending(cases[i].text) != cases[i].ending)
			fail_msg("case %zu: %s", i, cases[i].text);
}

/* A file like those in /proc, with a line that is longer than one read. */
static void a_whole_file(void **state)
{
	char text[8192] = "Name:\tcat\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\n"
			  "Groups:\t";

	(void)state;
	for (int i = 0; i < 500; i++)
		strcat(text, "1000000 ");
	strcat(text, "\nThreads:\t1\nSigQ:\t1/63707\nSigPnd:\t0000000000000000\n"
		     "ShdPnd:\t0000000000010000\nSigBlk:\t0000000000000000\n");
	assert_false(is_ending(text));
	*strstr(text, "10000\nSigBlk") = '\0';
	strcat(text, "14000\nSigBlk:\t0000000000000000\n");
	assert_true(is_ending(text));
}

static void live_processes(void **state)
{
	sigset_t set;
	sigset_t before;
	pid_t dead = fork();

	(void)state;
	if (dead == 0)
		_exit(0);
	assert_int_equal(waitpid(dead, NULL, 0), dead);
	assert_true(caller_has_fatal_signal(dead));
	assert_true(caller_has_fatal_signal(0));
	assert_true(caller_has_fatal_signal(-1));
	assert_false(caller_has_fatal_signal(getpid()));
	/* A blocked signal is pending as well, but it does not end the process. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	raise(SIGTERM);

	bool ending = caller_has_fatal_signal(getpid());

	assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){0}), SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_false(ending);
}

/*
 * SEMANTICS 11.2: if no descriptor is left to read /proc with, the caller counts as not
 * ending.
 */
static void no_descriptor_is_left(void **state)
{
	struct rlimit before;
	struct rlimit none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

	bool ending = caller_has_fatal_signal(getpid());

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(ending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_up_files),
		cmocka_unit_test(a_whole_file),
		cmocka_unit_test(live_processes),
		cmocka_unit_test(no_descriptor_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
