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

/* fs/caller_signals.c: is somebody to end (SEMANTICS 11.2)? */

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
		/* Nothing waits. */
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"
		 "SigBlk:\t0000000000000000\n",
			false},
		/* HUP, INT, QUIT, KILL, TERM: for the thread, for the process. */
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
		/* All but these. */
		{"SigPnd:\tffffffffffffbef8\nShdPnd:\tffffffffffffbef8\n", false},
		/* Blocked, wherever the line stands; one of two. */
		{"SigPnd:\t0000000000004000\nSigBlk:\t0000000000004000\n", false},
		{"SigBlk:\t0000000000004000\nShdPnd:\t0000000000004000\n", false},
		{"SigPnd:\t0000000000004002\nSigBlk:\t0000000000004000\n", true},
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\n"
		 "SigBlk:\t0000000000004000\n",
			true},
		/* Ignored or caught makes no difference. */
		{"SigPnd:\t0000000000004000\nSigIgn:\t0000000000004000\n", true},
		{"SigPnd:\t0000000000004000\nSigCgt:\t0000000000004000\n", true},
		/* Names that look like it. */
		{"Name:\tSigPnd: 4000\nSigPnd:\t0000000000000000\n", false},
		{"XSigPnd:\t0000000000004000\n", false},
		{"SigPnd\t0000000000004000\n", false},
		{"SigPnd:\tnothing\n", false},
		/* The last line has no end. */
		{"ShdPnd:\t0000000000004000", true},
		{"\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (is_ending(cases[i].text) != cases[i].ending)
			fail_msg("case %zu: %s", i, cases[i].text);
}

/* As /proc gives it, with a line that is longer than what is read at a time. */
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
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	assert_true(caller_has_fatal_signal(gone));
	assert_true(caller_has_fatal_signal(0));
	assert_true(caller_has_fatal_signal(-1));
	assert_false(caller_has_fatal_signal(getpid()));
	/* What is blocked waits, too, and ends nobody. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	raise(SIGTERM);

	bool ending = caller_has_fatal_signal(getpid());

	assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){0}), SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_false(ending);
}

/* SEMANTICS 11.2: nor does it end where there is nothing left to look with. */
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
