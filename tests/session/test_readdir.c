/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/*
 * fs/dir.c: which entries readdir returns, and that every cookie continues at its entry.
 */

enum {
	DOTS = 2,
	PAGE = 4,
	/* The sizes of an entry with a job's name: aligned structures of linux/fuse.h. */
	PLUS_SIZE = 200,
	BARE_SIZE = 72,
};

static const struct mount_options small_pages = {.page_size = PAGE};

static struct kernel_entries *entries_new(void)
{
	return test_malloc(sizeof(struct kernel_entries));
}

/* SEMANTICS 5.1, 6.1: READDIRPLUS returns the same attributes as LOOKUP and GETATTR. */
static void entries_agree_with_lookups(void **state)
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
		assert_memory_equal(&listed->entry_out, &entry, sizeof(entry));
		assert_int_equal(listed->ino, entry.attr.ino);
	}
	assert_int_equal(mount->api->gets, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/*
 * SEMANTICS 4.2: a summary, and a job that may have changed, is emitted as a bare name.
 */
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
		assert_true(entries->len >= 2);

		const struct kernel_entry *last = &entries->entries[entries->len - 1];

		assert_int_equal(last[-1].entry_out.nodeid, 0);
		assert_int_equal(last[-1].ino, job_ino(job_id(1).text));
		assert_int_equal(last[-1].type, S_IFREG);
		/* The second time, the job is too old. */
		assert_int_equal(last->entry_out.nodeid != 0, i == 0);
		assert_int_equal(last->ino, job_ino(job_id(2).text));
		mount_forward(mount, MOUNT_TTL_MS + 1);
	}
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/*
 * SEMANTICS 3.5, 6.4: a job that no longer matches stays in the open listing, but as a
 * bare name.
 */
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
	assert_int_not_equal(entries->entries[0].entry_out.nodeid, 0);
	fake_find(mount->api, job_id(1).text)->job.status = JOB_DONE;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 job_file(1).text, &entry),
		0);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, 1);
	assert_int_equal(entries->entries[0].entry_out.nodeid, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SEMANTICS 6.1, 6.4: an entry that does not fit is in the next reply. */
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
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		dir.bare = cases[i].bare;
		mount_assert_names(mount, &dir, DOTS, cases[i].size, 1, JOBS);
	}
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 6.1: a buffer too small for one entry is an error, not the end. */
static void too_small_a_reply(void **state)
{
	static const uint32_t sizes[] = {0, 1, BARE_SIZE, PLUS_SIZE - 1};
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();
	struct kernel_dir dir;

	(void)state;
	mount_add_jobs(mount, 1, 2);
	kernel_opendir_at(mount->kernel, "all", &dir);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
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

/* Reading from each position returns the same entries as the first time. */
static void assert_cookies(
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

/*
 * SEMANTICS 6.4: while a directory is open, its cookies keep their meaning, whatever
 * changes.
 */
static void cookies_keep_their_meaning(void **state)
{
	enum { JOBS = 25 };
	struct mount *mount = mount_new_with(&small_pages);
	struct kernel_dir old;
	struct kernel_dir new;

	(void)state;
	mount_add_jobs(mount, 1, JOBS);
	kernel_opendir_at(mount->kernel, "all", &old);
	/* A reader that seeks ahead makes us fetch everything up to that position. */
	mount_assert_names(mount, &old, DOTS + 20, KERNEL_DIR_SIZE, 21, JOBS);
	assert_cookies(mount, &old, 1, JOBS);

	fake_remove(mount->api, job_id(3).text);
	fake_add(mount->api, job_id(100).text, JOB_DONE, MOUNT_WALL_MS + 1);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	kernel_opendir_at(mount->kernel, "all", &new);
	mount_assert_names(mount, &new, DOTS + 3, KERNEL_DIR_SIZE, 4, JOBS);
	assert_cookies(mount, &old, 1, JOBS);
	kernel_releasedir(mount->kernel, &new);
	assert_cookies(mount, &old, 1, JOBS);
	kernel_releasedir(mount->kernel, &old);
	mount_free(mount);
}

/* SEMANTICS 6.4: an offset beyond the end is the end. Any user can seek anywhere. */
static void any_offset(void **state)
{
	static const char *const paths[] = {"", "status", "after", "date", "all",
		"status/done/status/error", "status/error"};
	static const uint64_t offsets[] = {10, 11, 100, 4711, UINT32_MAX,
		UINT64_C(1) << 40, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1,
		UINT64_MAX};
	struct mount *mount = mount_new();
	struct kernel_entries *entries = entries_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct kernel_dir dir;

		kernel_opendir_at(mount->kernel, paths[i], &dir);
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_agree_with_lookups),
		cmocka_unit_test(bare_names),
		cmocka_unit_test(what_has_changed_is_a_bare_name),
		cmocka_unit_test(any_size_of_reply),
		cmocka_unit_test(too_small_a_reply),
		cmocka_unit_test(cookies_keep_their_meaning),
		cmocka_unit_test(any_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
