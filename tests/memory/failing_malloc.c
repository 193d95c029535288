/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A library to preload (LD_PRELOAD) into a test program that uses cmocka. It runs each
 * test again and again, each time in a new process, and each time one other allocation
 * fails, once, whether the test, a library or cmocka requests it. With
 * FAILING_MALLOC_WAYS, only the first allocation from each call stack (of the FRAMES_MAX
 * innermost frames) fails: one for each way in which the program allocates memory. If
 * failing all of them would take longer than about FAILING_MALLOC_SECONDS, only every
 * FAILING_MALLOC_STEPth fails, beginning with one that FAILING_MALLOC_SEED selects. The
 * library writes to the file FAILING_MALLOC_REPORT, separated by tabs:
 *
 *   wrong    test, number of the allocation, signal; on further lines the test's output
 *   refused  allocations that failed, candidates, all allocations, step
 *
 * To debug a case, set FAILING_MALLOC_TEST to the test's name and FAILING_MALLOC_AT to
 * the number of the allocation: the test then runs alone, in the process itself.
 */
enum {
	REPORT_FD = 900, /* high, so that tests get the descriptors they expect */
	OUTPUT_FD,
	/* A test without a failing allocation hangs if it takes longer than ENDLESS_S;
	 * any other test if it takes longer than HANGS_S plus HANGS_TIMES its normal
	 * time. */
	ENDLESS_S = 600,
	HANGS_S = 60,
	HANGS_TIMES = 20,
	TRIES = 3,
	OUTPUT_MAX = 1 << 20,
	TESTS_MAX = 256,
	FRAMES_MAX = 12,
	WAYS_MAX = 1 << 16,
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

/* Counters that all processes of a test share. */
struct count {
	atomic_long calls;
	atomic_bool refused;
};

/* Measurements of a test program in which no allocation fails. */
struct measure {
	long calls;
	double seconds;
	size_t choices; /* number of allocations that can be made to fail */
};

/* The call stacks that allocate memory, shared by the processes of all tests. */
struct ways {
	size_t len;
	/* For each call stack, the number of its first allocation within that test. */
	long at[WAYS_MAX];
	/* Hashes of the call stacks, a table with open addressing. */
	uint64_t seen[2 * WAYS_MAX];
};

typedef int run_group(const char *name, const struct CMUnitTest *tests, size_t count,
	CMFixtureFunction setup, CMFixtureFunction teardown);

static struct {
	/* Shared with the parent process; NULL while no allocation may fail. */
	struct count *count;
	long at;
	time_t hangs_s;
	struct ways *ways;     /* where new call stacks are recorded, or NULL */
	struct ways *all_ways; /* if NULL, every allocation is a candidate */
	run_group *run;
	CMFixtureFunction setup;
	CMFixtureFunction teardown;
} failing;

static bool is_new(struct ways *ways)
{
	void *frames[FRAMES_MAX];
	int len = backtrace(frames, FRAMES_MAX);
	uint64_t hash = 1;

	for (int i = 0; i < len; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 0x9e3779b97f4a7c15;

	size_t place = hash >> 32;

	for (;; place++) {
		uint64_t *seen = &ways->seen[place % (2 * WAYS_MAX)];

		if (*seen == hash || ways->len == WAYS_MAX)
			return false;
		if (*seen)
			continue;
		*seen = hash;
		return true;
	}
}

static bool refuses(void)
{
	if (!failing.count)
		return false;

	long calls = ++failing.count->calls;

	if (failing.ways && is_new(failing.ways))
		failing.ways->at[failing.ways->len++] = calls;
	if (calls != failing.at)
		return false;
	failing.count->refused = true;
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

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* We do not use alarm(), because the tests do. */
static void die_if_it_hangs(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	const struct itimerspec spec = {.it_value.tv_sec = failing.hangs_s};
	timer_t timer;

	must(!timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
	must(!timer_settime(timer, 0, &spec, NULL), "timer_settime");
}

static void run_one(const struct CMUnitTest *test, struct count *count)
{
	setpgid(0, 0);
	die_if_it_hangs();
	dup2(OUTPUT_FD, STDOUT_FILENO);
	dup2(OUTPUT_FD, STDERR_FILENO);
	/* unit/support/patience.h: after a failure, the tests need not wait for long. */
	if (failing.at)
		setenv("PATIENCE_S", "3", true);
	failing.count = count;

	int failed = failing.run("failing", test, 1, failing.setup, failing.teardown);

	failing.count = NULL;
	fflush(NULL);
	_exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

/*
 * Runs a test in a process of its own, with allocation number `at` failing (0: none).
 * Returns its status as waitpid() does.
 */
static int run_apart(const struct CMUnitTest *test, struct count *count, long at)
{
	int status;

	*count = (struct count){0};
	failing.at = at;
	must(!ftruncate(OUTPUT_FD, 0), "ftruncate");

	pid_t child = fork();

	must(child >= 0, "fork");
	if (!child)
		run_one(test, count);
	must(waitpid(child, &status, 0) == child, "waitpid");
	/* If the test ended early, it may have left processes behind. */
	kill(-child, SIGKILL);
	return status;
}

static bool has_asserted(const char *output)
{
	/* glibc 2.36 asserts if it has no memory to read nsswitch.conf. */
	return strstr(output, "Assertion `") && !strstr(output, "nss_database.c");
}

/*
 * Reports a test that a signal or one of our own assertions ended. cmocka catches some
 * signals and prints an exception. An ordinary failure of the test is accepted.
 */
static void judge(const struct CMUnitTest *test, int status, long at)
{
	static char output[OUTPUT_MAX];
	ssize_t len = pread(OUTPUT_FD, output, sizeof(output) - 1, 0);

	output[len > 0 ? len : 0] = '\0';
	if (!WIFSIGNALED(status) && !strstr(output, "exception: ") &&
		!has_asserted(output))
		return;
	dprintf(REPORT_FD, "wrong\t%s\t%ld\tsignal %d\n%s\n", test->name, at,
		WIFSIGNALED(status) ? WTERMSIG(status) : 0, output);
}

static struct measure measure_one(const struct CMUnitTest *test, struct count *count)
{
	struct measure measure;
	double began;
	int status = -1;

	failing.hangs_s = ENDLESS_S;
	/* On a busy machine, a test can fail because it is too slow. */
	for (int i = 0; status && i < TRIES; i++) {
		began = now();
		status = run_apart(test, count, 0);
	}
	/* Even without a failing allocation, the test fails. */
	if (status)
		dprintf(REPORT_FD, "wrong\t%s\t0\tstatus %d\n", test->name, status);
	measure = (struct measure){count->calls, now() - began, (size_t)count->calls};
	if (failing.all_ways) {
		size_t before = failing.all_ways->len;

		failing.ways = failing.all_ways;
		run_apart(test, count, 0);
		failing.ways = NULL;
		must(failing.all_ways->len < WAYS_MAX, "too many ways");
		measure.choices = failing.all_ways->len - before;
	}
	return measure;
}

static long number(const char *name, long otherwise)
{
	const char *text = getenv(name);

	return text ? atol(text) : otherwise;
}

/*
 * Returns a step with which the tests take about FAILING_MALLOC_SECONDS. It is a power of
 * two, so that a slower machine tries a subset of what a faster one tries.
 */
static size_t choose_step(const struct measure *measures, size_t count)
{
	double seconds = 0;
	long step = 1;

	for (size_t i = 0; i < count; i++)
		seconds += (double)measures[i].choices * measures[i].seconds;
	while (seconds / (double)step > atof(getenv("FAILING_MALLOC_SECONDS")))
		step *= 2;
	return (size_t)number("FAILING_MALLOC_STEP", step);
}

static void *share(size_t size)
{
	void *memory = mmap(
		NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(memory != MAP_FAILED, "mmap");
	return memory;
}

static void refuse_all(
	const struct CMUnitTest *tests, size_t count, struct count *allocations)
{
	struct measure measures[TESTS_MAX];
	struct measure all = {0};
	long refused = 0;
	size_t first = 0; /* first candidate of the test */

	must(count <= TESTS_MAX, "too many tests");
	if (getenv("FAILING_MALLOC_WAYS"))
		failing.all_ways = share(sizeof(*failing.all_ways));
	for (size_t i = 0; i < count; i++) {
		measures[i] = measure_one(&tests[i], allocations);
		all.calls += measures[i].calls;
		all.choices += measures[i].choices;
	}

	size_t step = choose_step(measures, count);
	size_t next = (size_t)number("FAILING_MALLOC_SEED", 0) % step;

	for (size_t i = 0; i < count; i++) {
		failing.hangs_s = HANGS_S + HANGS_TIMES * (time_t)measures[i].seconds;
		for (; next < first + measures[i].choices; next += step) {
			long at = failing.all_ways ? failing.all_ways->at[next]
						   : (long)(next - first) + 1;

			judge(&tests[i], run_apart(&tests[i], allocations, at), at);
			refused += allocations->refused;
		}
		first += measures[i].choices;
	}
	dprintf(REPORT_FD, "refused\t%ld\t%zu\t%ld\t%zu\n", refused, all.choices,
		all.calls, step);
}

static int refuse_one(const struct CMUnitTest *tests, size_t count, const char *name)
{
	static struct count allocations;
	int failed = 0;

	failing.at = number("FAILING_MALLOC_AT", 0);
	failing.count = &allocations;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(tests[i].name, name))
			failed = failing.run(
				name, &tests[i], 1, failing.setup, failing.teardown);
	}
	failing.count = NULL;
	return failed;
}

static void open_as(int fd, int as)
{
	must(fd >= 0 && dup3(fd, as, O_CLOEXEC) == as, "dup3");
	close(fd);
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests,
	size_t count, CMFixtureFunction setup, CMFixtureFunction teardown)
{
	const char *only = getenv("FAILING_MALLOC_TEST");

	(void)name;
	/* glibc crashes if it has no memory to read nsswitch.conf, so we make it read it
	 * now. */
	getpwuid(0);
	getgrgid(0);
	/* The first call of backtrace() allocates memory. */
	backtrace(&(void *){NULL}, 1);
	failing.run = (run_group *)dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
	failing.setup = setup;
	failing.teardown = teardown;
	if (only)
		return refuse_one(tests, count, only);
	open_as(open(getenv("FAILING_MALLOC_REPORT"), O_WRONLY | O_CREAT | O_APPEND,
			0600),
		REPORT_FD);
	open_as(memfd_create("output", 0), OUTPUT_FD);
	must(fcntl(OUTPUT_FD, F_SETFL, O_APPEND) == 0, "fcntl");
	refuse_all(tests, count, share(sizeof(struct count)));
	return 0;
}
