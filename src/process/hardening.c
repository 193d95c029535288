/* SPDX-License-Identifier: MIT */
#include "process/hardening.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/malloc_tuning.h"

/* We never need more, and some libraries loop over all possible descriptors. */
enum { FILES_MAX = 65536 };

static void hardening_open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		int flags = fcntl(i, F_GETFD);

		/* Child processes need them too. */
		if (flags >= 0)
			fcntl(i, F_SETFD, flags & ~FD_CLOEXEC);
	}
}

static void hardening_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;

	rlim_t wanted = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;

	if (limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Ignores signals that by default would end the process without unmounting. SIGCHLD,
 * which the process may inherit as ignored, gets its default action: otherwise the exit
 * status of a child process would be lost.
 */
static void hardening_set_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
		SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXFSZ};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	const struct sigaction by_default = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		sigaction(ignored[i], &ignore, NULL);
	for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
		sigaction(i, &ignore, NULL);
	sigaction(SIGCHLD, &by_default, NULL);
}

void hardening_prepare(void)
{
	const struct rlimit no_core = {0};

	malloc_tuning_apply();
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	umask(077);
	hardening_open_standard_descriptors();
	hardening_raise_file_limit();
	hardening_set_signals();
}

void hardening_close_inherited(int keep)
{
	unsigned first = STDERR_FILENO + 1;

	if (keep > STDERR_FILENO) {
		if ((unsigned)keep > first)
			close_range(first, (unsigned)keep - 1, 0);
		first = (unsigned)keep + 1;
	}
	close_range(first, ~0U, 0);
}

/* Removes all capabilities from `set` except the two that hardening_confine() keeps. */
static void hardening_keep_needed(
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3])
{
	const __u32 needed[_LINUX_CAPABILITY_U32S_3] = {
		CAP_TO_MASK(CAP_SYS_ADMIN) | CAP_TO_MASK(CAP_DAC_READ_SEARCH)};

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		set[i].permitted &= needed[i];
		set[i].effective &= needed[i];
		set[i].inheritable = 0;
	}
}

int hardening_confine(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];

	if (getuid() != 0 || geteuid() != 0)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		syscall(SYS_capget, &header, set) < 0)
		return -errno;
	hardening_keep_needed(set);
	return syscall(SYS_capset, &header, set) < 0 ? -errno : 0;
}
