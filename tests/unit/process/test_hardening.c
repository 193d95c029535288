/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "process/hardening.h"

/*
 * process/hardening.h. What it changes cannot be undone, so each test changes a child
 * process, which ends at the first check that fails.
 */
static int *failed_line; /* in memory that is shared with the child; 0: none */

#define CHECK(condition)                         \
	do {                                     \
		if (!(condition)) {              \
			*failed_line = __LINE__; \
			_exit(1);                \
		}                                \
	} while (0)

static void in_child(void (*run)(void))
{
	*failed_line = 0;

	pid_t child = fork();
	int status;

	if (child == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (*failed_line)
		fail_msg("line %d", *failed_line);
	assert_int_equal(status, 0);
}

static bool is_null(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
	       status.st_rdev == makedev(1, 3);
}

static void prepare_without_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	close(3);
	hardening_prepare();
	for (int fd = 0; fd <= 2; fd++)
		/* Child processes inherit it. */
		CHECK(is_null(fd) && fcntl(fd, F_GETFD) == 0);
	CHECK(fcntl(3, F_GETFD) < 0);
}

static void prepare_without_output(void)
{
	int pipe_fds[2];

	CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0);
	CHECK(dup3(pipe_fds[0], 0, O_CLOEXEC) == 0);
	close(1);
	hardening_prepare();
	CHECK(!is_null(0) && fcntl(0, F_GETFD) == 0);
	CHECK(is_null(1) && !is_null(2));
}

/* Descriptors 0 to 2 are opened if they are closed, and kept if not. */
static void standard_descriptors(void **state)
{
	(void)state;
	in_child(prepare_without_descriptors);
	in_child(prepare_without_output);
}

/* Checks which limit of open files hardening_prepare() makes of another one. */
static void limit_of_files(rlim_t soft, rlim_t hard, rlim_t expected)
{
	struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	/* Only root may raise the hard limit; under valgrind it cannot be changed. */
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		CHECK(errno == EPERM);
		return;
	}
	hardening_prepare();
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHECK(limit.rlim_cur == expected && limit.rlim_max == hard);
}

static void limits_of_files(void)
{
	limit_of_files(100000, 200000, 100000);
	limit_of_files(64, 200000, 65536);
	limit_of_files(1000, 1000, 1000);
	limit_of_files(64, 1000, 1000);
}

static void other_limits(void)
{
	struct rlimit core;

	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	umask(0);
	hardening_prepare();
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0);
	CHECK(core.rlim_cur == 0 && core.rlim_max == 0);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(umask(0) == 077);
}

/* SEMANTICS 2.2: no core dump, no file for others; as many open files as possible. */
static void limits(void **state)
{
	(void)state;
	in_child(limits_of_files);
	in_child(other_limits);
}

static bool is_ignored(int number)
{
	struct sigaction action;

	CHECK(sigaction(number, NULL, &action) == 0);
	return action.sa_handler == SIG_IGN;
}

static void signals_in_child(void)
{
	static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
		SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXFSZ};
	static const int kept[] = {SIGHUP, SIGINT, SIGTERM, SIGCHLD};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		signal(kept[i], SIG_DFL);
	hardening_prepare();
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		CHECK(is_ignored(ignored[i]));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(!is_ignored(kept[i]));
	CHECK(is_ignored(SIGRTMIN) && is_ignored(SIGRTMAX));
}

/* Signals that we do not use do not end the process without an unmount. */
static void signals(void **state)
{
	(void)state;
	in_child(signals_in_child);
}

enum { FIRST = 3, LAST = 40 };

/* Closes the inherited descriptors of a child that has all from FIRST to LAST. */
static void close_all_but(int keep)
{
	for (int fd = FIRST; fd <= LAST; fd++)
		CHECK(dup2(2, fd) == fd);
	hardening_close_inherited(keep);
	for (int fd = 0; fd <= LAST; fd++)
		CHECK((fcntl(fd, F_GETFD) >= 0) == (fd < FIRST || fd == keep));
}

static void close_inherited_in_child(void)
{
	static const int kept[] = {-1, 0, 2, FIRST, FIRST + 1, 20, LAST - 1, LAST};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		close_all_but(kept[i]);
}

static void inherited_descriptors_are_closed(void **state)
{
	(void)state;
	in_child(close_inherited_in_child);
}

static void confine_root(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct before[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_data_struct after[_LINUX_CAPABILITY_U32S_3] = {{0}};
	const __u32 kept = CAP_TO_MASK(CAP_SYS_ADMIN) | CAP_TO_MASK(CAP_DAC_READ_SEARCH);

	CHECK(syscall(SYS_capget, &header, before) == 0);
	CHECK(hardening_confine() == 0);
	CHECK(syscall(SYS_capget, &header, after) == 0);
	CHECK(after[0].permitted == (before[0].permitted & kept));
	CHECK(after[0].effective == (before[0].effective & kept));
	CHECK(after[1].permitted == 0 && after[1].effective == 0);
	CHECK(after[0].inheritable == 0 && after[1].inheritable == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void confine_user(void)
{
	if (getuid() == 0)
		CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(hardening_confine() == 0);
	/* Otherwise fusermount3 could not unmount. */
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

static void privileges(void **state)
{
	(void)state;
	if (getuid() == 0)
		in_child(confine_root);
	in_child(confine_user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_descriptors),
		cmocka_unit_test(limits),
		cmocka_unit_test(signals),
		cmocka_unit_test(inherited_descriptors_are_closed),
		cmocka_unit_test(privileges),
	};

	failed_line = mmap(NULL, sizeof(*failed_line), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (failed_line == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
