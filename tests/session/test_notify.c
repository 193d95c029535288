/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/*
 * fs/notify.c, fs/session.c: which names and attributes we invalidate in the kernel
 * (SEMANTICS 7.3).
 */

/* Each test changes this job last, so that its notification marks the end. */
enum { LAST = 999 };

struct notices {
	unsigned len;
	struct kernel_notice list[64];
};

static void look_up(struct mount *mount, const char *path, unsigned number, int expected)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
				 job_file(number).text, &entry),
		expected);
}

/* Adds an unfinished job and looks it up, so that the kernel knows it. */
static void add_unfinished(struct mount *mount, unsigned number, int64_t created_ms)
{
	fake_add(mount->api, job_id(number).text, JOB_QUEUED, created_ms);
	look_up(mount, "all", number, 0);
}

/* Finishes a job in the account, and lets a lookup notice it. */
static void finish(struct mount *mount, unsigned number)
{
	fake_find(mount->api, job_id(number).text)->job.status = JOB_DONE;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", number, 0);
}

/*
 * Takes all notifications before those of the last job. They arrive in order, but another
 * thread sends them.
 */
static void collect(struct mount *mount, struct notices *ret_notices)
{
	struct kernel_notice notice;

	mount_forward(mount, 0);
	look_up(mount, "all", LAST, 0);
	fake_find(mount->api, job_id(LAST).text)->edition++;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", LAST, 0);
	ret_notices->len = 0;
	for (;;) {
		kernel_next_notice(mount->kernel, &notice);
		if (strcmp(notice.name, job_file(LAST).text) == 0)
			return;
		assert_true(ret_notices->len < 64);
		ret_notices->list[ret_notices->len++] = notice;
	}
}

static bool was_notified(struct mount *mount, const struct notices *notices,
	const char *path, unsigned number)
{
	uint64_t parent = kernel_walk(mount->kernel, path);
	unsigned count = 0;

	for (unsigned i = 0; i < notices->len; i++)
		count += notices->list[i].parent == parent &&
			 strcmp(notices->list[i].name, job_file(number).text) == 0;
	assert_in_range(count, 0, 1);
	return count;
}

static struct mount *mount_with_last(void)
{
	struct mount *mount = mount_new();

	fake_add(mount->api, job_id(LAST).text, JOB_QUEUED, MOUNT_DAY_MS - 1);
	return mount;
}

/*
 * A change is announced in every directory that the kernel knows and that may contain the
 * job or have contained it, and in no other.
 */
static void a_change_is_notified_where_it_is_visible(void **state)
{
	static const struct {
		const char *path;
		bool notified;
	} cases[] = {
		{"all", true},
		{"status/queued", true},
		{"status/processing", true},
		{"status/done", true},
		{"status/error", true},
		{"date/2026-04-01", true},
		{"date/2026-03-31", false},
		{"after/2026-04-01", true},
		{"after/2026-04-01/status/done", true},
		{"after/2026-04-02", false},
		{"before/2026-04-01", false},
		{"status", false},
		{"date", false},
		{"after", false},
		{"status/done/status/error", false},
	};
	enum { CASES = ARRAY_SIZE(cases) };
	struct mount *mount = mount_with_last();
	struct notices notices;
	unsigned expected = 0;

	(void)state;
	add_unfinished(mount, 1, MOUNT_WALL_MS);
	for (size_t i = 0; i < CASES; i++)
		kernel_walk(mount->kernel, cases[i].path);
	finish(mount, 1);
	collect(mount, &notices);
	for (size_t i = 0; i < CASES; i++) {
		expected += cases[i].notified;
		if (was_notified(mount, &notices, cases[i].path, 1) != cases[i].notified)
			fail_msg("%s", cases[i].path);
	}
	assert_int_equal(notices.len, expected);
	mount_free(mount);
}

/* The kernel has no names of a directory that it has forgotten. */
static void forgotten_directories_get_no_notification(void **state)
{
	struct mount *mount = mount_with_last();
	struct notices notices;
	uint64_t done;

	(void)state;
	add_unfinished(mount, 1, MOUNT_WALL_MS);
	done = kernel_walk(mount->kernel, "status/done");
	kernel_walk(mount->kernel, "status/queued");
	kernel_forget(mount->kernel, done, 1);
	finish(mount, 1);
	collect(mount, &notices);
	assert_false(was_notified(mount, &notices, "status/done", 1));
	assert_true(was_notified(mount, &notices, "status/queued", 1));
	assert_true(was_notified(mount, &notices, "all", 1));
	assert_int_equal(notices.len, 2);
	mount_free(mount);
}

/* SEMANTICS 7.3.4, 7.1: a lookup notices that the job was deleted. */
static void a_deleted_job_is_notified(void **state)
{
	struct mount *mount = mount_with_last();
	struct notices notices;

	(void)state;
	add_unfinished(mount, 1, MOUNT_WALL_MS);
	fake_remove(mount->api, job_id(1).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", 1, -ENOENT);
	collect(mount, &notices);
	assert_true(was_notified(mount, &notices, "all", 1));
	assert_int_equal(notices.len, 1);
	mount_free(mount);
}

/*
 * SEMANTICS 7.1: the kernel caches the name of a finished job without limit, so if the
 * job is missing from a listing, the name must be invalidated.
 */
static void a_job_missing_in_a_listing_is_notified(void **state)
{
	struct mount *mount = mount_with_last();
	char names[KERNEL_NAMES_MAX];
	struct notices notices;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (int i = 0; i < 2; i++) {
		struct kernel_dir dir;

		kernel_opendir_at(mount->kernel, "status/done", &dir);
		kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
		kernel_releasedir(mount->kernel, &dir);
		if (i == 0)
			fake_remove(mount->api, job_id(2).text);
		mount_forward(mount, MOUNT_TTL_MS + 1);
	}
	assert_null(strstr(names, job_id(2).text));
	collect(mount, &notices);
	assert_true(was_notified(mount, &notices, "status/done", 2));
	assert_int_equal(notices.len, 1);
	mount_free(mount);
}

/* An unchanged job, a new job, and a job that only got its text cause no notification. */
static void unchanged_jobs_are_not_notified(void **state)
{
	struct mount *mount = mount_with_last();
	struct notices notices;

	(void)state;
	add_unfinished(mount, 1, MOUNT_WALL_MS);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", 1, 0);
	add_unfinished(mount, 2, MOUNT_WALL_MS);
	collect(mount, &notices);
	assert_int_equal(notices.len, 0);
	mount_free(mount);
}

/* Lists the directory, and expects these jobs. */
static void list_jobs(
	struct mount *mount, const char *path, unsigned first, unsigned last)
{
	struct kernel_dir dir;

	kernel_opendir_at(mount->kernel, path, &dir);
	mount_assert_names(mount, &dir, 2, KERNEL_DIR_SIZE, first, last);
	kernel_releasedir(mount->kernel, &dir);
}

/* The text of a job of which a listing had only a summary causes no notification. */
static void a_text_after_a_summary_is_not_notified(void **state)
{
	struct mount *mount = mount_with_last();
	struct notices notices;

	(void)state;
	mount->api->rules.summaries = true;
	mount_add_jobs(mount, 1, 1);
	list_jobs(mount, "status/done", 1, 1);
	assert_int_equal(mount->api->gets, 0);
	look_up(mount, "status/done", 1, 0);
	assert_int_equal(mount->api->gets, 1);
	collect(mount, &notices);
	assert_int_equal(notices.len, 0);
	mount_free(mount);
}

/* A notification contains the name as the directory spells it. */
static void notified_names_are_escaped(void **state)
{
	static const char id[] = ".a/b\xc3\xab";
	struct mount *mount = mount_with_last();
	char names[KERNEL_NAMES_MAX];
	struct notices notices;

	(void)state;
	fake_add(mount->api, id, JOB_QUEUED, MOUNT_WALL_MS);
	for (int i = 0; i < 2; i++) {
		struct kernel_dir dir;

		kernel_opendir_at(mount->kernel, "all", &dir);
		kernel_names(mount->kernel, &dir, 2, KERNEL_DIR_SIZE, names);
		kernel_releasedir(mount->kernel, &dir);
		fake_find(mount->api, id)->edition++;
		mount_forward(mount, MOUNT_TTL_MS + 1);
	}
	collect(mount, &notices);
	assert_int_equal(notices.len, 1);
	assert_string_equal(notices.list[0].name, "%2Ea%2Fb\xc3\xab.json");
	mount_free(mount);
}

static const char *const root_names[] = {
	"all", "status", "date", "after", "before", "metadata", "text", "subtitles"};

/*
 * SEMANTICS 1.5: a refresh invalidates the top directories, so the kernel looks up
 * everything below them again.
 */
static void a_refresh_is_notified(void **state)
{
	struct mount *mount = mount_with_last();
	struct notices notices;

	(void)state;
	fs_refresh(mount->fs);
	collect(mount, &notices);
	assert_int_equal(notices.len, ARRAY_SIZE(root_names));
	for (unsigned i = 0; i < notices.len; i++) {
		assert_int_equal(notices.list[i].parent, FUSE_ROOT_ID);
		assert_string_equal(notices.list[i].name, root_names[i]);
	}
	mount_free(mount);
}

/* SEMANTICS 1.5: a kernel that supports epochs forgets all names at once. */
static void a_refresh_begins_an_epoch(void **state)
{
	static const struct mount_options options = {.minor = KERNEL_MINOR_OF_EPOCHS};
	struct mount *mount = mount_new_with(&options);
	struct kernel_notice notice;

	(void)state;
	fs_refresh(mount->fs);
	kernel_next_notice(mount->kernel, &notice);
	assert_int_equal(notice.code, KERNEL_NOTIFY_INC_EPOCH);
	mount_forward(mount, 0);
	assert_false(kernel_has_notice(mount->kernel));
	mount_free(mount);
}

/*
 * Stops the notifier's thread before its next notification while `held` is true. After
 * that it may send PASSING notifications, which fit into the socket.
 */
enum { PASSING = 64 };
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t main;
	bool used;
	bool held;
	unsigned passed;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hold_notifier(bool held)
{
	pthread_mutex_lock(&gate.lock);
	gate.main = pthread_self();
	gate.used = true;
	gate.held = held;
	gate.passed = 0;
	pthread_cond_signal(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* Waits until this thread may send. Returns false if its message is to be lost. */
static bool pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);

	bool limited = gate.used && !pthread_equal(pthread_self(), gate.main);

	while (limited && gate.held)
		pthread_cond_wait(&gate.changed, &gate.lock);

	bool passes = !limited || gate.passed++ < PASSING;

	pthread_mutex_unlock(&gate.lock);
	return passes;
}

/* Replaces the C library's function, with which fs/session.c sends messages. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	ssize_t len = 0;

	if (pass_gate())
		return syscall(SYS_writev, fd, parts, count);
	for (int i = 0; i < count; i++)
		len += (ssize_t)parts[i].iov_len;
	return len;
}

/*
 * Deletes so many jobs, in so many directories, that there are more notifications than
 * the queue of the notifier holds, while the kernel does not take any.
 */
static void delete_too_many(struct mount *mount)
{
	enum { JOBS = 300, MONTHS = 12, DAYS = 28 };
	char path[32];

	mount_add_jobs(mount, 1, JOBS);
	list_jobs(mount, "status/done", 1, JOBS);
	for (int month = 1; month <= MONTHS; month++) {
		for (int day = 1; day <= DAYS; day++) {
			snprintf(path, sizeof(path), "after/2025-%02d-%02d", month, day);
			kernel_walk(mount->kernel, path);
		}
	}
	for (unsigned number = 2; number <= JOBS; number++)
		fake_remove(mount->api, job_id(number).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	hold_notifier(true);
	list_jobs(mount, "status/done", 1, 1);
	hold_notifier(false);
}

/*
 * SEMANTICS 7.3.4: if there are too many notifications, the kernel forgets all names
 * instead.
 */
static void too_many_begin_an_epoch(void **state)
{
	static const struct mount_options options = {.minor = KERNEL_MINOR_OF_EPOCHS};
	struct mount *mount = mount_new_with(&options);
	struct kernel_notice notice = {0};

	(void)state;
	delete_too_many(mount);
	/* At most one notification was on its way. */
	for (int i = 0; i < 2 && notice.code != KERNEL_NOTIFY_INC_EPOCH; i++)
		kernel_next_notice(mount->kernel, &notice);
	assert_int_equal(notice.code, KERNEL_NOTIFY_INC_EPOCH);
	mount_free(mount);
}

static void too_many_forget_the_root(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_notice notice;

	(void)state;
	delete_too_many(mount);
	kernel_next_notice(mount->kernel, &notice);
	if (notice.parent != FUSE_ROOT_ID) /* it was on its way */
		kernel_next_notice(mount->kernel, &notice);
	for (size_t i = 0; i < ARRAY_SIZE(root_names); i++) {
		assert_int_equal(notice.parent, FUSE_ROOT_ID);
		assert_string_equal(notice.name, root_names[i]);
		kernel_next_notice(mount->kernel, &notice);
	}
	mount_free(mount);
}

/* Before INIT is answered, the kernel knows no names and must not be notified. */
static void no_notification_before_init(void **state)
{
	static const struct mount_options options = {.unanswered = true};
	struct mount *mount = mount_new_with(&options);

	(void)state;
	fs_refresh(mount->fs);
	mount_forward(mount, 0);
	assert_false(kernel_has_notice(mount->kernel));
	mount_free(mount);
	/* After an unmount, no notification is sent. */
	mount = mount_new();
	for (int i = 0; i < 1000; i++)
		fs_refresh(mount->fs);
	kernel_unmount(mount->kernel);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_notified_where_it_is_visible),
		cmocka_unit_test(forgotten_directories_get_no_notification),
		cmocka_unit_test(a_deleted_job_is_notified),
		cmocka_unit_test(a_job_missing_in_a_listing_is_notified),
		cmocka_unit_test(unchanged_jobs_are_not_notified),
		cmocka_unit_test(a_text_after_a_summary_is_not_notified),
		cmocka_unit_test(notified_names_are_escaped),
		cmocka_unit_test(a_refresh_is_notified),
		cmocka_unit_test(a_refresh_begins_an_epoch),
		cmocka_unit_test(no_notification_before_init),
		cmocka_unit_test(too_many_begin_an_epoch),
		cmocka_unit_test(too_many_forget_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
