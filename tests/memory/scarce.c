/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Preloaded (LD_PRELOAD) into a program of cmocka's tests: while these run, whoever asks
 * for memory is counted, be it the program, a library or cmocka, and is told once that
 * there is none: the SCARCE_AT'th. With SCARCE_ALL=1 the same goes for all after it. At
 * the end of the tests SCARCE_REPORT has how many asked, and before that a line when one
 * was refused.
 */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
int _cmocka_run_group_tests(
	const char *name, const void *tests, size_t count, void *setup, void *teardown);

static struct {
	atomic_long asked;
	atomic_bool counting;
	long at;
	bool all;
	int report;
} scarce;

static void report(const char *what, long number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %ld\n", what, number);

	if (write(scarce.report, line, (size_t)len) < 0)
		abort();
}

static bool refuses(void)
{
	if (!scarce.counting)
		return false;

	long number = ++scarce.asked;

	if (number != scarce.at && !(scarce.all && scarce.at && number > scarce.at))
		return false;
	if (number == scarce.at)
		report("refused", number);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return refuses() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return refuses() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
	return size && refuses() ? NULL : __libc_realloc(pointer, size);
}

void *reallocarray(void *pointer, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(pointer, bytes);
}

void *memalign(size_t alignment, size_t size)
{
	return refuses() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret_pointer, size_t alignment, size_t size)
{
	void *pointer = memalign(alignment, size);

	if (!pointer)
		return ENOMEM;
	*ret_pointer = pointer;
	return 0;
}

static void begin(void)
{
	const char *at = getenv("SCARCE_AT");
	const char *path = getenv("SCARCE_REPORT");

	scarce.at = at ? atol(at) : 0;
	scarce.all = getenv("SCARCE_ALL") != NULL;
	/* High, so that tests find the descriptors that they expect. */
	scarce.report =
		path ? fcntl(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
			       F_DUPFD_CLOEXEC, 900)
		     : -1;
	if (scarce.report < 0)
		abort();
	scarce.counting = true;
}

int _cmocka_run_group_tests(
	const char *name, const void *tests, size_t count, void *setup, void *teardown)
{
	int (*run)(const char *, const void *, size_t, void *, void *) = dlsym(
		RTLD_NEXT, "_cmocka_run_group_tests");
	int failed;

	begin();
	failed = run(name, tests, count, setup, teardown);
	scarce.counting = false;
	report("asked", scarce.asked);
	return failed;
}
