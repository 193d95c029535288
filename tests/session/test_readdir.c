/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mount.h"

/* fs/dir.c: what readdir shows, and that cookies are honest. */

enum {
	DOTS = 2,
	PAGE = 4,
	/* An entry with a job's name: linux/fuse.h's structures, aligned. */
	PLUS_SIZE = 200,
	BARE_SIZE = 72,
};

static const struct mount_options small_pages = {.page_size = PAGE};

static struct kernel_entries *entries_new(void)
{
	return test_malloc(sizeof(struct kernel_entries));
}

/* The names of jobs as kernel_names() gives them. */
static void job_names(unsigned first, unsigned last, char *ret_names)
{
	*ret_names = '\0';
	for (unsigned number = first; number <= last; number++)
		strcat(strcat(ret_names, job_file(number).text), " ");
}

static void assert_names_from(struct mount *mount, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size, unsigned first, unsigned last)
{
	char expected[KERNEL_NAMES_MAX];
	char names[KERNEL_NAMES_MAX];

	job_names(first, last, expected);
	kernel_names(mount->kernel, dir, offset, size, names);
	assert_string_equal(names, expected);
}

/* SPEC 6.2: a reader that stops after the first page costs exactly one request. */
static void the_first_page_alone(void **state)
{
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;

	(void)state;
	mount_add_jobs(mount, 1, 10);
	kernel_opendir_at(mount->kernel, "all", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, DOTS);
	assert_int_equal(mount->api->lists, 0);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, PAGE);
	mount_forward(mount, 1);
	assert_int_equal(mount->api->lists, 1);
	/* The same again costs nothing. */
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, PAGE);
	assert_int_equal(mount->api->lists, 1);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 6.2: a reply does not wait to be filled. */
static void a_reply_ends_where_the_page_does(void **state)
{
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;
	size_t lengths[] = {PAGE, PAGE - 1, PAGE - 1};
	uint64_t offset = DOTS;

	(void)state;
	mount_add_jobs(mount, 1, 10);
	mount->stalled = true;
	kernel_opendir_at(mount->kernel, "all", &dir);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t number = kernel_ask_readdir(
			mount->kernel, &dir, offset, KERNEL_DIR_SIZE);

		assert_false(kernel_is_answered(mount->kernel, number));
		fake_answer(fake_call(mount->api, 0));
		assert_int_equal(
			kernel_answer_readdir(mount->kernel, &dir, number, entries), 0);
		assert_int_equal(entries->len, lengths[i]);
		offset = entries->entries[entries->len - 1].cookie;
	}
	fake_settle(mount->api);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, offset, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 5.1, 6.1: READDIRPLUS tells what LOOKUP and GETATTR would. */
static void entries_tell_what_lookup_tells(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(2).text, JOB_QUEUED, MOUNT_WALL_MS - 1000);
	kernel_opendir_at(mount->kernel, "all", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, 2);
	for (size_t i = 0; i < entries->len; i++) {
		const struct kernel_entry *listed = &entries->entries[i];
		struct fuse_entry_out entry;

		assert_int_equal(listed->cookie, DOTS + i + 1);
		assert_int_equal(listed->type, S_IFREG);
		assert_int_equal(
			kernel_lookup(mount->kernel, dir.node, listed->name, &entry), 0);
		assert_memory_equal(&listed->told, &entry, sizeof(entry));
		assert_int_equal(listed->ino, entry.attr.ino);
	}
	assert_int_equal(mount->api->gets, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 4.2: of a summary, and of what may have changed, the name alone is told. */
static void bare_names(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;

	(void)state;
	mount->api->rules.summaries = true;
	mount_add_jobs(mount, 1, 1);
	fake_add(mount->api, job_id(2).text, JOB_QUEUED, MOUNT_WALL_MS - 2000);
	kernel_opendir_at(mount->kernel, "all", &dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, entries),
			0);
		if (entries->len == DOTS)
			assert_int_equal(kernel_readdir(mount->kernel, &dir, DOTS,
						 KERNEL_DIR_SIZE, entries),
				0);

		const struct kernel_entry *last = &entries->entries[entries->len - 1];

		assert_int_equal(last[-1].told.nodeid, 0);
		assert_int_equal(last[-1].ino, job_ino(job_id(1).text));
		assert_int_equal(last[-1].type, S_IFREG);
		/* The second time it is too old. */
		assert_int_equal(last->told.nodeid != 0, i == 0);
		assert_int_equal(last->ino, job_ino(job_id(2).text));
		mount_forward(mount, MOUNT_TTL_MS + 1);
	}
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 3.5, 6.4: it stays in the listing, but is not told as if it belonged there. */
static void what_has_changed_is_a_bare_name(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;
	struct fuse_entry_out entry;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	kernel_opendir_at(mount->kernel, "status/queued", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_not_equal(entries->entries[0].told.nodeid, 0);
	fake_find(mount->api, job_id(1).text)->job.status = JOB_DONE;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 job_file(1).text, &entry),
		0);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, 1);
	assert_int_equal(entries->entries[0].told.nodeid, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 6.1, 6.4: an entry that does not fit comes with the next reply. */
static void any_size_of_reply(void **state)
{
	static const struct {
		uint32_t size;
		bool bare;
	} cases[] = {
		{PLUS_SIZE, false},
		{2 * PLUS_SIZE - 1, false},
		{2 * PLUS_SIZE, false},
		{1000, false},
		{KERNEL_DIR_SIZE_SMALL, false},
		{UINT32_MAX, false},
		{BARE_SIZE, true},
		{2 * BARE_SIZE - 1, true},
		{1000, true},
		{UINT32_MAX, true},
	};
	enum { JOBS = 30 };
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_dir dir;

	(void)state;
	mount_add_jobs(mount, 1, JOBS);
	kernel_opendir_at(mount->kernel, "all", &dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dir.bare = cases[i].bare;
		assert_names_from(mount, &dir, DOTS, cases[i].size, 1, JOBS);
	}
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SPEC 6.1: no room even for one entry is an error, not the end. */
static void too_small_a_reply(void **state)
{
	static const uint32_t sizes[] = {0, 1, BARE_SIZE, PLUS_SIZE - 1};
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;

	(void)state;
	mount_add_jobs(mount, 1, 2);
	kernel_opendir_at(mount->kernel, "all", &dir);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, DOTS, sizes[i], entries),
			-EINVAL);
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, 0, (uint32_t)i, entries),
			-EINVAL);
	}
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* From each position, with what was told there at first. */
static void assert_honest(
	struct mount *mount, const struct kernel_dir *dir, unsigned first, unsigned last)
{
	struct kernel_entries *entries = entries_new();

	for (unsigned number = last; number >= first; number--) {
		uint64_t offset = DOTS + (number - first);

		assert_int_equal(
			kernel_readdir(mount->kernel, dir, offset, 1000, entries), 0);
		assert_true(entries->len);
		for (size_t i = 0; i < entries->len; i++) {
			assert_string_equal(entries->entries[i].name,
				job_file(number + (unsigned)i).text);
			assert_int_equal(entries->entries[i].cookie, offset + i + 1);
		}
	}
	test_free(entries);
}

/* SPEC 6.4: whatever happens meanwhile, for as long as it is open. */
static void cookies_are_honest(void **state)
{
	enum { JOBS = 25 };
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_dir old;
	struct kernel_dir new;

	(void)state;
	mount_add_jobs(mount, 1, JOBS);
	kernel_opendir_at(mount->kernel, "all", &old);
	/* One that jumps ahead gets there by reading all of it. */
	assert_names_from(mount, &old, DOTS + 20, KERNEL_DIR_SIZE, 21, JOBS);
	assert_honest(mount, &old, 1, JOBS);

	fake_remove(mount->api, job_id(3).text);
	fake_add(mount->api, job_id(100).text, JOB_DONE, MOUNT_WALL_MS + 1);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	kernel_opendir_at(mount->kernel, "all", &new);
	assert_names_from(mount, &new, DOTS + 3, KERNEL_DIR_SIZE, 4, JOBS);
	assert_honest(mount, &old, 1, JOBS);
	kernel_releasedir(mount->kernel, &new);
	assert_honest(mount, &old, 1, JOBS);
	kernel_releasedir(mount->kernel, &old);
	mount_free(mount);
}

/* SPEC 6.4: past the end is the end. Any user can seek anywhere. */
static void any_offset(void **state)
{
	static const char *const paths[] = {"", "status", "after", "date", "all",
		"status/done/status/error", "status/error"};
	static const uint64_t offsets[] = {7, 8, 100, 4711, UINT32_MAX, UINT64_C(1) << 40,
		INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct kernel_dir dir;

		kernel_opendir_at(mount->kernel, paths[i], &dir);
		for (size_t j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++) {
			assert_int_equal(kernel_readdir(mount->kernel, &dir, offsets[j],
						 KERNEL_DIR_SIZE, entries),
				0);
			assert_int_equal(entries->len, 0);
		}
		kernel_releasedir(mount->kernel, &dir);
	}
	mount_free(mount);
	test_free(entries);
}

/* SPEC 6.1: a failed page is an error for all who wait, and a retry goes on there. */
static void a_failed_page_is_an_error(void **state)
{
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir[2];
	uint64_t numbers[2];

	(void)state;
	mount_add_jobs(mount, 1, 6);
	for (int i = 0; i < 2; i++)
		kernel_opendir_at(mount->kernel, "all", &dir[i]);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir[0], DOTS, KERNEL_DIR_SIZE, entries),
		0);
	mount->stalled = true;
	for (int i = 0; i < 2; i++)
		numbers[i] = kernel_ask_readdir(
			mount->kernel, &dir[i], DOTS + PAGE, KERNEL_DIR_SIZE);
	for (int i = 0; i < 2; i++)
		assert_false(kernel_is_answered(mount->kernel, numbers[i]));
	fake_fail(fake_call(mount->api, 0), -ETIMEDOUT, "silence");
	for (int i = 0; i < 2; i++)
		assert_int_equal(kernel_answer_readdir(
					 mount->kernel, &dir[i], numbers[i], entries),
			-ETIMEDOUT);
	/* What is known stays known. */
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir[0], DOTS, KERNEL_DIR_SIZE, entries),
		0);
	assert_int_equal(entries->len, PAGE);
	mount->stalled = false;
	assert_names_from(mount, &dir[1], DOTS + PAGE, KERNEL_DIR_SIZE, 5, 6);
	assert_names_from(mount, &dir[0], DOTS, KERNEL_DIR_SIZE, 1, 6);
	for (int i = 0; i < 2; i++)
		kernel_releasedir(mount->kernel, &dir[i]);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 11.2: one stalled directory delays nobody else. */
static void a_stalled_directory_delays_nobody(void **state)
{
	enum { WAITING = 64 };
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_entries *entries = entries_new();
	struct kernel_dir stalled;
	struct kernel_dir other;
	struct fuse_kstatfs statfs;
	struct fuse_attr attr;
	uint64_t numbers[WAITING];

	(void)state;
	mount_add_jobs(mount, 1, PAGE);
	kernel_opendir_at(mount->kernel, "status/done", &other);
	assert_names_from(mount, &other, DOTS, KERNEL_DIR_SIZE, 1, PAGE);
	mount->stalled = true;
	kernel_opendir_at(mount->kernel, "all", &stalled);
	for (int i = 0; i < WAITING; i++)
		numbers[i] = kernel_ask_readdir(
			mount->kernel, &stalled, DOTS, KERNEL_DIR_SIZE);
	mount_forward(mount, 1);
	assert_names_from(mount, &other, DOTS, KERNEL_DIR_SIZE, 1, PAGE);
	assert_int_equal(kernel_statfs(mount->kernel, &statfs), 0);
	assert_int_equal(kernel_getattr(mount->kernel, stalled.node, &attr), 0);
	kernel_walk(mount->kernel, "all/status/done");
	for (int i = 0; i < WAITING; i++)
		assert_false(kernel_is_answered(mount->kernel, numbers[i]));
	assert_int_equal(mount->api->pending_len, 1);
	fake_answer_all(mount->api);
	for (int i = 0; i < WAITING; i++) {
		assert_int_equal(kernel_answer_readdir(
					 mount->kernel, &stalled, numbers[i], entries),
			0);
		assert_int_equal(entries->len, PAGE);
	}
	kernel_releasedir(mount->kernel, &stalled);
	kernel_releasedir(mount->kernel, &other);
	mount_free(mount);
	test_free(entries);
}

/* SPEC 6.1: jobs another mount has dropped from the file are not the end of the listing.
 */
static void dropped_jobs_are_not_the_end(void **state)
{
	char path[] = "/tmp/gladiafs-session-XXXXXX";
	const struct mount_options options = {.page_size = PAGE, .path = path};
	struct kernel_entries *entries = entries_new();
	struct catalog *other;
	struct mount *mount;
	struct kernel_dir dir;

	(void)state;
	close(mkstemp(path));
	unlink(path);
	mount = mount_new_with(&options);
	mount_add_jobs(mount, 1, 2 * PAGE);
	kernel_opendir_at(mount->kernel, "all", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, PAGE);
	for (unsigned number = 1; number <= PAGE; number++) {
		struct catalog_job job;

		assert_int_equal(
			jobs_by_id(mount->catalog, job_id(number).text, &job), 0);
		assert_int_equal(jobs_forget(mount->catalog, job.row), 0);
	}
	assert_int_equal(catalog_commit(mount->catalog), 0);
	assert_int_equal(catalog_open(&(struct catalog_config){.path = path,
					      .bodies_max = 1 << 20},
				 &mount->clock, &mount->log, &other),
		0);
	catalog_close(other);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_true(entries->len);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_page_alone),
		cmocka_unit_test(a_reply_ends_where_the_page_does),
		cmocka_unit_test(entries_tell_what_lookup_tells),
		cmocka_unit_test(bare_names),
		cmocka_unit_test(what_has_changed_is_a_bare_name),
		cmocka_unit_test(any_size_of_reply),
		cmocka_unit_test(too_small_a_reply),
		cmocka_unit_test(cookies_are_honest),
		cmocka_unit_test(any_offset),
		cmocka_unit_test(a_failed_page_is_an_error),
		cmocka_unit_test(a_stalled_directory_delays_nobody),
		cmocka_unit_test(dropped_jobs_are_not_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
