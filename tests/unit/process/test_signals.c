/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "process/signals.h"

/* process/signals.c: signals as events (SEMANTICS 1.5). */

/* Uses CPU time until a signal arrives, like `ulimit -t 2`. Returns the signal, or -1. */
static int use_cpu_time(void)
{
	const struct rlimit limit = {.rlim_cur = 2, .rlim_max = 2};
	int fd;
	int signal = 0;

	if (setrlimit(RLIMIT_CPU, &limit) < 0 || signals_open(&fd) < 0)
		return -1;
	while (!signal)
		signal = signals_read(fd);
	return signal;
}

/* SEMANTICS 1.5.12: the kernel kills the process only after a warning. */
static void a_cpu_limit_is_a_signal_first(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(use_cpu_time());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SIGXCPU);
}

/* A signal that is sent before the descriptor is read stays pending. */
static void signals_are_read_in_turn(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(signals_open(&fd), 0);
	assert_int_equal(signals_read(fd), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(signals_read(fd), SIGTERM);
	assert_int_equal(signals_read(fd), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cpu_limit_is_a_signal_first),
		cmocka_unit_test(signals_are_read_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
