/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"
#include "support/temp_root.h"

/* fs/dir.c: a directory whose listing arrives page by page. */

enum { DOTS = 2, PAGE = 4 };

static const struct mount_options small_pages = {.page_size = PAGE};

static struct kernel_entries *entries_new(void)
{
	return test_malloc(sizeof(struct kernel_entries));
}

/* SEMANTICS 6.2: a reader that stops after the first page costs exactly one request. */
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
	/* Reading the same page again costs nothing. */
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, PAGE);
	assert_int_equal(mount->api->lists, 1);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* SEMANTICS 6.2: a reply does not wait to be filled. */
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
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
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

/*
 * SEMANTICS 6.1: if a page fails, all waiting readers get the error, and a retry
 * continues at that page.
 */
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
	/* The pages before it are still available. */
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir[0], DOTS, KERNEL_DIR_SIZE, entries),
		0);
	assert_int_equal(entries->len, PAGE);
	mount->stalled = false;
	mount_assert_names(mount, &dir[1], DOTS + PAGE, KERNEL_DIR_SIZE, 5, 6);
	mount_assert_names(mount, &dir[0], DOTS, KERNEL_DIR_SIZE, 1, 6);
	for (int i = 0; i < 2; i++)
		kernel_releasedir(mount->kernel, &dir[i]);
	mount_free(mount);
	test_free(entries);
}

/* SEMANTICS 11.2: a stalled directory does not delay other requests. */
static void a_stalled_directory_delays_no_other(void **state)
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
	mount_assert_names(mount, &other, DOTS, KERNEL_DIR_SIZE, 1, PAGE);
	mount->stalled = true;
	kernel_opendir_at(mount->kernel, "all", &stalled);
	for (int i = 0; i < WAITING; i++)
		numbers[i] = kernel_ask_readdir(
			mount->kernel, &stalled, DOTS, KERNEL_DIR_SIZE);
	mount_forward(mount, 1);
	mount_assert_names(mount, &other, DOTS, KERNEL_DIR_SIZE, 1, PAGE);
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

/*
 * SEMANTICS 6.1: jobs that another mount has deleted from the database file do not end
 * the listing.
 */
static void dropped_jobs_are_not_the_end(void **state)
{
	char root[] = "/tmp/gladiafs-session-XXXXXX";
	char path[64];
	const struct mount_options options = {.page_size = PAGE, .path = path};
	struct kernel_entries *entries = entries_new();
	struct catalog *other;
	struct mount *mount;
	struct kernel_dir dir;

	(void)state;
	assert_int_equal(temp_root_make(root), 0);
	snprintf(path, sizeof(path), "%s", temp_root_path(root, "cache"));
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
		assert_int_equal(jobs_mark_deleted(mount->catalog, job.row), 0);
	}
	assert_int_equal(catalog_commit(mount->catalog), 0);
	assert_int_equal(
		catalog_open(&(struct catalog_config){.path = path, .texts_max = 1 << 20},
			&mount->clock, &mount->log, &other),
		0);
	catalog_close(other);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_true(entries->len);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
	assert_int_equal(temp_root_remove(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_page_alone),
		cmocka_unit_test(a_reply_ends_where_the_page_does),
		cmocka_unit_test(a_failed_page_is_an_error),
		cmocka_unit_test(a_stalled_directory_delays_no_other),
		cmocka_unit_test(dropped_jobs_are_not_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
