/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/internal.h"
#include "mount.h"

/* fs/request.c: parked requests, and what ends their wait (SEMANTICS 11.1, 11.2). */

enum { SIGNAL_CHECK_MS = 100 }; /* SEMANTICS 11.2 */

/* A mount whose API does not answer, and a lookup that waits for it. */
struct waiting {
	struct mount *mount;
	uint64_t number;
};

static struct waiting wait_for_job(void)
{
	struct waiting waiting = {.mount = mount_new()};

	waiting.mount->stalled = true;
	mount_add_jobs(waiting.mount, 1, 1);
	waiting.number = kernel_ask_lookup(waiting.mount->kernel,
		kernel_walk(waiting.mount->kernel, "all"), job_file(1).text);
	assert_false(kernel_is_answered(waiting.mount->kernel, waiting.number));
	return waiting;
}

static bool is_answered(const struct waiting *waiting)
{
	return kernel_is_answered(waiting->mount->kernel, waiting->number);
}

static void assert_fails(const struct waiting *waiting, int error)
{
	assert_int_equal(
		kernel_answer(waiting->mount->kernel, waiting->number, NULL, 0), error);
	assert_true(list_empty(&waiting->mount->fs->parked));
}

static void assert_succeeds(const struct waiting *waiting)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_answer(waiting->mount->kernel, waiting->number, &entry,
				 sizeof(entry)),
		0);
	assert_int_equal(entry.nodeid, job_ino(job_id(1).text));
	assert_true(list_empty(&waiting->mount->fs->parked));
}

/* Forks a process that stops, so that signals other than SIGKILL stay pending. */
static pid_t caller_new(void)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* A signal that nohup(1) or a shell's "&" ignores would not stay pending.
		 */
		for (int number = 1; number <= SIGRTMAX; number++)
			(void)signal(number, SIG_DFL);
		raise(SIGSTOP);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void caller_free(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct waiting wait_for_job_as(pid_t caller)
{
	struct waiting waiting = {.mount = mount_new()};

	waiting.mount->stalled = true;
	mount_add_jobs(waiting.mount, 1, 1);
	kernel_set_caller(waiting.mount->kernel, caller);
	waiting.number = kernel_ask_lookup(waiting.mount->kernel,
		kernel_walk(waiting.mount->kernel, "all"), job_file(1).text);
	assert_false(is_answered(&waiting));
	return waiting;
}

/* SEMANTICS 11.1: a wait ends at the time-out, exactly, as the clock is the test's. */
static void a_wait_ends_at_the_timeout(void **state)
{
	struct waiting waiting = wait_for_job();

	(void)state;
	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS - 1);
	assert_false(is_answered(&waiting));
	mount_forward(waiting.mount, 1);
	assert_fails(&waiting, -ETIMEDOUT);
	/* An answer that arrives too late is kept for the next lookup. */
	fake_answer_all(waiting.mount->api);
	waiting.number = kernel_ask_lookup(waiting.mount->kernel,
		kernel_walk(waiting.mount->kernel, "all"), job_file(1).text);
	assert_succeeds(&waiting);
	assert_int_equal(waiting.mount->api->gets, 1);
	mount_free(waiting.mount);
}

static void look_up_again(struct waiting *waiting, pid_t caller)
{
	struct kernel *kernel = waiting->mount->kernel;

	kernel_set_caller(kernel, caller);
	waiting->number = kernel_ask_lookup(
		kernel, kernel_walk(kernel, "all"), job_file(1).text);
}

/*
 * SEMANTICS 11.1: if a cached name expired, the kernel looks it up twice, but its caller
 * waits once. A lookup by another thread, a later one, or a third one waits again.
 */
static void the_second_lookup_does_not_wait(void **state)
{
	struct waiting waiting = wait_for_job_as(100);
	struct waiting other = waiting;

	(void)state;
	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS);
	assert_fails(&waiting, -ETIMEDOUT);
	look_up_again(&other, 101);
	assert_false(is_answered(&other));
	look_up_again(&waiting, 100);
	assert_int_equal(kernel_answer(waiting.mount->kernel, waiting.number, NULL, 0),
		-ETIMEDOUT);
	look_up_again(&waiting, 100);
	assert_false(is_answered(&waiting));

	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS);
	assert_fails(&waiting, -ETIMEDOUT);
	assert_fails(&other, -ETIMEDOUT);
	mount_forward(waiting.mount, RECENT_FAILURES_MS);
	look_up_again(&waiting, 100);
	assert_false(is_answered(&waiting));
	fake_answer_all(waiting.mount->api);
	assert_succeeds(&waiting);
	mount_free(waiting.mount);
}

/*
 * SEMANTICS 11.1: if the first lookup fails early, the second has the rest of its time.
 */
static void the_second_lookup_has_the_rest_of_the_time(void **state)
{
	struct waiting waiting = wait_for_job_as(100);
	struct mount *mount = waiting.mount;

	(void)state;
	mount_forward(mount, MOUNT_TIMEOUT_MS / 3);
	fake_fail(fake_call(mount->api, 0), -EIO, "broken");
	assert_fails(&waiting, -EIO);
	look_up_again(&waiting, 100);
	assert_false(is_answered(&waiting));
	mount_forward(mount, MOUNT_TIMEOUT_MS - MOUNT_TIMEOUT_MS / 3 - 1);
	assert_false(is_answered(&waiting));
	mount_forward(mount, 1);
	assert_fails(&waiting, -ETIMEDOUT);
	fake_answer_all(mount->api);
	mount_free(mount);
}

/* SEMANTICS 11.1: the time-out runs from the arrival, however often we park a request. */
static void a_wait_is_counted_from_its_arrival(void **state)
{
	static const struct mount_options options = {.page_size = 4};
	struct mount *mount = mount_new_with(&options);
	struct kernel_dir dir;
	uint64_t numbers[2];

	(void)state;
	mount->stalled = true;
	mount_add_jobs(mount, 1, 40);
	kernel_opendir_at(mount->kernel, "all", &dir);
	/* The reader seeks far ahead: pages keep arriving, but none is far enough. */
	numbers[0] = kernel_ask_readdir(mount->kernel, &dir, 30, KERNEL_DIR_SIZE);
	for (int i = 0; i < 3; i++) {
		assert_false(kernel_is_answered(mount->kernel, numbers[0]));
		mount_forward(mount, MOUNT_TIMEOUT_MS / 4);
		fake_answer(fake_call(mount->api, 0));
	}
	numbers[1] = kernel_ask_readdir(mount->kernel, &dir, 30, KERNEL_DIR_SIZE);
	assert_false(kernel_is_answered(mount->kernel, numbers[1]));
	mount_forward(mount, MOUNT_TIMEOUT_MS / 4);
	assert_int_equal(kernel_answer(mount->kernel, numbers[0], NULL, 0), -ETIMEDOUT);
	assert_false(kernel_is_answered(mount->kernel, numbers[1]));
	mount_forward(mount, MOUNT_TIMEOUT_MS / 4 * 3);
	assert_int_equal(kernel_answer(mount->kernel, numbers[1], NULL, 0), -ETIMEDOUT);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 11.1.6: if the machine slept for hours, the next turn ends all waits. */
static void a_jump_of_hours_ends_every_wait(void **state)
{
	enum { HOURS_MS = 9 * 3600 * 1000 };
	struct waiting waiting = wait_for_job();
	struct kernel *kernel = waiting.mount->kernel;
	struct kernel_dir dir;
	uint64_t listing;

	(void)state;
	kernel_opendir_at(kernel, "status/done", &dir);
	listing = kernel_ask_readdir(kernel, &dir, 2, KERNEL_DIR_SIZE);
	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS / 30);
	assert_false(is_answered(&waiting));
	waiting.mount->mono_ms += HOURS_MS;
	waiting.mount->wall_ms += HOURS_MS;
	mount_turn(waiting.mount);
	assert_int_equal(kernel_answer(kernel, listing, NULL, 0), -ETIMEDOUT);
	assert_fails(&waiting, -ETIMEDOUT);
	/* A request that arrives after the jump may wait for its full time-out. */
	waiting.number = kernel_ask_lookup(
		kernel, kernel_walk(kernel, "all"), job_file(1).text);
	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS - 1);
	assert_false(is_answered(&waiting));
	fake_answer_all(waiting.mount->api);
	assert_succeeds(&waiting);
	kernel_releasedir(kernel, &dir);
	mount_free(waiting.mount);
}

/* SEMANTICS 11.1: setting the wall clock changes no deadline. */
static void the_wall_clock_moves_no_deadline(void **state)
{
	static const int64_t jumps_ms[] = {
		-INT64_C(400) * 86400 * 1000, INT64_C(400) * 86400 * 1000};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct waiting waiting = wait_for_job();

		waiting.mount->wall_ms += jumps_ms[i];
		mount_forward(waiting.mount, MOUNT_TIMEOUT_MS - 1);
		assert_false(is_answered(&waiting));
		mount_forward(waiting.mount, 1);
		assert_fails(&waiting, -ETIMEDOUT);
		mount_free(waiting.mount);
	}
}

/* SEMANTICS 11.2: if the caller has no fatal signal, an interrupt ends no wait. */
static void an_interrupt_alone_ends_no_wait(void **state)
{
	struct waiting waiting = wait_for_job();

	(void)state;
	for (int i = 0; i < 3; i++) {
		kernel_interrupt(waiting.mount->kernel, waiting.number);
		mount_forward(waiting.mount, SIGNAL_CHECK_MS);
		assert_false(is_answered(&waiting));
	}
	fake_answer_all(waiting.mount->api);
	assert_succeeds(&waiting);
	mount_free(waiting.mount);
}

/* SEMANTICS 11.2.2: signals that do not end the caller do not end its wait. */
static void harmless_signals_end_no_wait(void **state)
{
	static const int signals[] = {
		SIGUSR1, SIGUSR2, SIGCHLD, SIGURG, SIGWINCH, SIGALRM, SIGTSTP, SIGPROF};
	pid_t caller = caller_new();
	struct waiting waiting = wait_for_job_as(caller);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		kill(caller, signals[i]);
		kernel_interrupt(waiting.mount->kernel, waiting.number);
		mount_forward(waiting.mount, SIGNAL_CHECK_MS);
		assert_false(is_answered(&waiting));
	}
	fake_answer_all(waiting.mount->api);
	assert_succeeds(&waiting);
	mount_free(waiting.mount);
	caller_free(caller);
}

/* SEMANTICS 11.2: a fatal signal ends the wait. The call goes on for the next caller. */
static void fatal_signals_end_the_wait(void **state)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		pid_t caller = caller_new();
		struct waiting waiting = wait_for_job_as(caller);

		kill(caller, signals[i]);
		mount_forward(waiting.mount, SIGNAL_CHECK_MS);
		assert_false(is_answered(&waiting));
		kernel_interrupt(waiting.mount->kernel, waiting.number);
		assert_fails(&waiting, -EINTR);
		assert_int_equal(waiting.mount->api->pending_len, 1);
		fake_answer_all(waiting.mount->api);
		waiting.number = kernel_ask_lookup(waiting.mount->kernel,
			kernel_walk(waiting.mount->kernel, "all"), job_file(1).text);
		assert_succeeds(&waiting);
		mount_free(waiting.mount);
		caller_free(caller);
	}
}

/* SEMANTICS 11.2: the kernel reports only the first signal. */
static void a_fatal_signal_after_a_harmless_one_is_noticed(void **state)
{
	pid_t caller = caller_new();
	struct waiting waiting = wait_for_job_as(caller);

	(void)state;
	kill(caller, SIGUSR1);
	kernel_interrupt(waiting.mount->kernel, waiting.number);
	mount_forward(waiting.mount, 1234);
	assert_false(is_answered(&waiting));
	kill(caller, SIGTERM);
	mount_forward(waiting.mount, SIGNAL_CHECK_MS);
	assert_fails(&waiting, -EINTR);
	mount_free(waiting.mount);
	caller_free(caller);
}

/* If the caller has ended, there is no /proc/PID to read. */
static void a_caller_that_is_gone_has_ended(void **state)
{
	pid_t caller = caller_new();
	struct waiting waiting = wait_for_job_as(caller);

	(void)state;
	caller_free(caller);
	assert_false(is_answered(&waiting));
	kernel_interrupt(waiting.mount->kernel, waiting.number);
	assert_fails(&waiting, -EINTR);
	mount_free(waiting.mount);
}

/* The kernel may send an interrupt before its request, or after the answer. */
static void interrupts_may_come_at_any_time(void **state)
{
	struct mount *mount = mount_new();
	uint64_t all = kernel_walk(mount->kernel, "all");
	struct waiting waiting = {.mount = mount};
	pid_t caller = caller_new();
	struct fuse_attr attr;

	(void)state;
	kill(caller, SIGINT);
	mount->stalled = true;
	mount_add_jobs(mount, 1, 1);
	kernel_set_caller(mount->kernel, caller);
	/* The numbers of consecutive requests differ by two. */
	waiting.number = kernel_ask_lookup(mount->kernel, all, "foo") + 2;
	kernel_interrupt(mount->kernel, waiting.number);
	assert_int_equal(
		kernel_ask_lookup(mount->kernel, all, job_file(1).text), waiting.number);
	assert_fails(&waiting, -EINTR);

	kernel_interrupt(mount->kernel, waiting.number - 2);
	/* This request is unknown: on EAGAIN, the kernel repeats the interrupt. */
	assert_int_equal(kernel_getattr(mount->kernel, all, &attr), 0);
	assert_int_equal(
		kernel_answer(mount->kernel, (waiting.number - 2) | 1, NULL, 0), -EAGAIN);
	waiting.number -= 2;

	struct fuse_entry_out entry;

	assert_int_equal(
		kernel_answer(mount->kernel, waiting.number, &entry, sizeof(entry)), 0);
	mount_free(mount);
	caller_free(caller);
}

/* Interrupt, answer and time-out in the same turn cause one reply. */
static void all_at_once_is_answered_once(void **state)
{
	pid_t caller = caller_new();
	struct waiting waiting = wait_for_job_as(caller);
	struct fuse_entry_out entry;
	size_t len;

	(void)state;
	kill(caller, SIGINT);
	kernel_interrupt(waiting.mount->kernel, waiting.number);
	fake_answer_all(waiting.mount->api);
	waiting.mount->mono_ms += MOUNT_TIMEOUT_MS;
	kernel_answer_bytes(
		waiting.mount->kernel, waiting.number, &entry, sizeof(entry), &len);
	mount_forward(waiting.mount, MOUNT_TIMEOUT_MS);
	assert_false(kernel_is_answered(waiting.mount->kernel, waiting.number));
	mount_free(waiting.mount);
	caller_free(caller);
}

/*
 * SEMANTICS 11.2: if one of several waiting requests is interrupted, the others wait on.
 */
static void one_of_many_gives_up(void **state)
{
	pid_t caller = caller_new();
	struct waiting first = wait_for_job();
	struct waiting second = first;
	uint64_t all = kernel_walk(first.mount->kernel, "all");

	(void)state;
	kill(caller, SIGTERM);
	kernel_set_caller(first.mount->kernel, caller);
	second.number = kernel_ask_lookup(first.mount->kernel, all, job_file(1).text);
	assert_false(is_answered(&second));
	kernel_interrupt(first.mount->kernel, second.number);
	assert_int_equal(
		kernel_answer(first.mount->kernel, second.number, NULL, 0), -EINTR);
	assert_false(is_answered(&first));
	fake_answer_all(first.mount->api);
	assert_succeeds(&first);
	assert_int_equal(first.mount->api->gets, 1);
	mount_free(first.mount);
	caller_free(caller);
}

/* SEMANTICS 1.5: at the end, all requests are answered, waiting ones and later ones. */
static void the_end_answers_all(void **state)
{
	enum { EACH = 20 };
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	uint64_t all = kernel_walk(mount->kernel, "all");
	uint64_t numbers[3 * EACH + 1];
	struct kernel_dir dir;

	(void)state;
	mount_add_jobs(mount, 1, EACH + 2);
	for (unsigned number = EACH + 1; number <= EACH + 2; number++) {
		struct fuse_entry_out entry;

		assert_int_equal(
			kernel_lookup(mount->kernel, all, job_file(number).text, &entry),
			0);
		mount_forward(mount, 1000 * 1000);
	}
	mount->stalled = true;
	kernel_opendir_at(mount->kernel, "status/done", &dir);
	for (unsigned i = 0; i < EACH; i++) {
		numbers[3 * i] = kernel_ask_lookup(
			mount->kernel, all, job_file(i + 1).text);
		numbers[3 * i + 1] = kernel_ask_readdir(
			mount->kernel, &dir, 2, KERNEL_DIR_SIZE);
		numbers[3 * i + 2] = kernel_ask_read(
			mount->kernel, job_ino(job_id(EACH + 1).text), 0, 4096);
	}
	for (unsigned i = 0; i < 3 * EACH; i++)
		assert_false(kernel_is_answered(mount->kernel, numbers[i]));
	mount_end(mount);
	mount->stalled = false;
	for (unsigned i = 0; i < 3 * EACH; i++)
		assert_int_equal(
			kernel_answer(mount->kernel, numbers[i], NULL, 0), -ENOTCONN);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_at_the_timeout),
		cmocka_unit_test(the_second_lookup_does_not_wait),
		cmocka_unit_test(the_second_lookup_has_the_rest_of_the_time),
		cmocka_unit_test(a_wait_is_counted_from_its_arrival),
		cmocka_unit_test(a_jump_of_hours_ends_every_wait),
		cmocka_unit_test(the_wall_clock_moves_no_deadline),
		cmocka_unit_test(an_interrupt_alone_ends_no_wait),
		cmocka_unit_test(harmless_signals_end_no_wait),
		cmocka_unit_test(fatal_signals_end_the_wait),
		cmocka_unit_test(a_fatal_signal_after_a_harmless_one_is_noticed),
		cmocka_unit_test(a_caller_that_is_gone_has_ended),
		cmocka_unit_test(interrupts_may_come_at_any_time),
		cmocka_unit_test(all_at_once_is_answered_once),
		cmocka_unit_test(one_of_many_gives_up),
		cmocka_unit_test(the_end_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
