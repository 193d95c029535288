/* SPDX-License-Identifier: MIT */
#include "process/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard one. If both are the
 * same, as "ulimit -t" sets them, it sends only SIGKILL, which leaves a dead mount. So we
 * lower the soft limit by a second.
 */
static void signals_warn_of_cpu_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0 || limit.rlim_max == RLIM_INFINITY ||
		limit.rlim_cur < limit.rlim_max || limit.rlim_max < 2)
		return;
	limit.rlim_cur = limit.rlim_max - 1;
	(void)setrlimit(RLIMIT_CPU, &limit);
}

int signals_open(int *ret_fd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGXCPU);

	int err = pthread_sigmask(SIG_BLOCK, &set, NULL);

	if (err)
		return -err;

	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	signals_warn_of_cpu_limit();
	*ret_fd = fd;
	return 0;
}

int signals_read(int fd)
{
	struct signalfd_siginfo info;
	ssize_t got = read(fd, &info, sizeof(info));

	return got == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}
