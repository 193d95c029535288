/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/*
 * fs/write.c: writes are refused (SEMANTICS 5.3), and jobs are deleted (SEMANTICS 10.1).
 */

static const struct mount_options deleting = {.allow_delete = true};

static uint64_t ask_unlink(struct mount *mount, const char *path, unsigned number)
{
	return kernel_ask(mount->kernel, FUSE_UNLINK, kernel_walk(mount->kernel, path),
		NULL, 0, job_file(number).text);
}

static int unlink_job(struct mount *mount, const char *path, unsigned number)
{
	return kernel_answer(mount->kernel, ask_unlink(mount, path, number), NULL, 0);
}

static uint64_t look_up(struct mount *mount, const char *path, unsigned number)
{
	struct fuse_entry_out entry;
	int err = kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
		job_file(number).text, &entry);

	return err ? 0 : entry.nodeid;
}

/*
 * SEMANTICS 10.1: deleting a job costs one request, and removes it from all directories.
 */
static void removing_a_file_deletes_the_job(void **state)
{
	struct mount *mount = mount_new_with(&deleting);
	struct kernel_notice notice;
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 2);
	node = look_up(mount, "status/done", 1);
	assert_int_not_equal(node, 0);
	assert_int_equal(look_up(mount, "all", 1), node);
	assert_int_equal(unlink_job(mount, "status/done", 1), 0);
	assert_int_equal(mount->api->deletes, 1);
	assert_null(fake_find(mount->api, job_id(1).text));
	assert_non_null(fake_find(mount->api, job_id(2).text));
	for (int i = 0; i < 2; i++) {
		kernel_next_notice(mount->kernel, &notice);
		assert_int_equal(notice.code, FUSE_NOTIFY_INVAL_ENTRY);
		assert_string_equal(notice.name, job_file(1).text);
	}
	assert_int_equal(look_up(mount, "all", 1), 0);
	assert_int_equal(unlink_job(mount, "all", 1), -ENOENT);
	assert_int_equal(mount->api->deletes, 1);
	mount_free(mount);
}

/* SEMANTICS 10.1: without allow_delete, no job is deleted. */
static void nothing_is_deleted_without_the_option(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	assert_int_equal(unlink_job(mount, "all", 1), -EROFS);
	assert_int_equal(mount->api->deletes, 0);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	mount_free(mount);
}

/* SEMANTICS 3.5, 10.1: a job can only be deleted through a directory that contains it. */
static void only_what_is_there_is_deleted(void **state)
{
	struct mount *mount = mount_new_with(&deleting);
	uint64_t number;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	assert_int_equal(unlink_job(mount, "status/error", 1), -ENOENT);
	assert_int_equal(unlink_job(mount, "all", 2), -ENOENT);
	number = kernel_ask(mount->kernel, FUSE_UNLINK, FUSE_ROOT_ID, NULL, 0, "all");
	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), -EISDIR);
	assert_int_equal(mount->api->deletes, 0);
	mount_free(mount);
}

/*
 * SEMANTICS 10.1: deleting an unfinished job fails with EBUSY, and a deleted one with
 * ENOENT.
 */
static void what_cannot_be_deleted(void **state)
{
	struct mount *mount = mount_new_with(&deleting);

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	mount_add_jobs(mount, 2, 2);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	assert_int_not_equal(look_up(mount, "all", 2), 0);
	fake_remove(mount->api, job_id(2).text);
	assert_int_equal(unlink_job(mount, "all", 1), -EBUSY);
	assert_int_equal(unlink_job(mount, "all", 2), -ENOENT);
	assert_int_equal(mount->api->deletes, 2);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	mount_free(mount);
}

/* SEMANTICS 10.1, 11.2: a job delete continues after its caller has stopped waiting. */
static void a_deletion_without_a_waiter_continues(void **state)
{
	struct mount *mount = mount_new_with(&deleting);
	uint64_t number;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_not_equal(look_up(mount, "all", 1), 0);
	mount->stalled = true;
	number = ask_unlink(mount, "all", 1);
	assert_false(kernel_is_answered(mount->kernel, number));
	mount_forward(mount, MOUNT_TIMEOUT_MS);
	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), -ETIMEDOUT);
	assert_int_equal(mount->api->pending_len, 1);
	mount->stalled = false;
	fake_answer_all(mount->api);
	assert_null(fake_find(mount->api, job_id(1).text));
	assert_int_equal(look_up(mount, "all", 1), 0);
	mount_free(mount);
}

/* SEMANTICS 6.4, 10.1: a job delete does not change the listing of an open directory. */
static void an_open_directory_stays_as_it_was(void **state)
{
	struct mount *mount = mount_new_with(&deleting);
	struct kernel_dir before;
	struct kernel_dir after;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	kernel_opendir_at(mount->kernel, "all", &before);
	mount_assert_names(mount, &before, 2, KERNEL_DIR_SIZE, 1, 3);
	assert_int_equal(unlink_job(mount, "all", 1), 0);
	mount_assert_names(mount, &before, 2, KERNEL_DIR_SIZE, 1, 3);
	kernel_opendir_at(mount->kernel, "all", &after);
	mount_assert_names(mount, &after, 2, KERNEL_DIR_SIZE, 2, 3);
	mount_assert_names(mount, &before, 2, KERNEL_DIR_SIZE, 1, 3);
	assert_int_equal(mount->api->lists, 1);
	kernel_releasedir(mount->kernel, &before);
	kernel_releasedir(mount->kernel, &after);
	mount_free(mount);
}

static int ask_open(struct mount *mount, uint64_t node, uint32_t flags)
{
	const struct fuse_open_in arg = {.flags = flags};
	struct fuse_open_out out = {0};
	uint64_t number = kernel_ask(
		mount->kernel, FUSE_OPEN, node, &arg, sizeof(arg), NULL);
	int err = kernel_answer(mount->kernel, number, &out, sizeof(out));

	if (!err)
		assert_true(out.open_flags & FOPEN_KEEP_CACHE);
	return err;
}

/*
 * SEMANTICS 5.3: opening a file for writing fails, even for root, whom the kernel's
 * permission checks do not stop.
 */
static void files_are_opened_for_reading_alone(void **state)
{
	static const uint32_t flags[] = {O_WRONLY, O_RDWR, O_RDWR | O_APPEND,
		O_WRONLY | O_TRUNC, O_RDONLY | O_TRUNC};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mount *mount = i ? mount_new_with(&deleting) : mount_new();
		uint64_t node;

		mount_add_jobs(mount, 1, 1);
		node = look_up(mount, "all", 1);
		for (size_t j = 0; j < ARRAY_SIZE(flags); j++)
			assert_int_equal(ask_open(mount, node, flags[j]), -EROFS);
		assert_int_equal(ask_open(mount, node, O_RDONLY), i ? 0 : -ENOSYS);
		mount_free(mount);
	}
}

/* The requests of a write operation, with their arguments; `name` is the first name. */
static const struct {
	enum fuse_opcode opcode;
	size_t len;
	bool of_file;
	const char *name;
} writes[] = {
	{FUSE_SETATTR, sizeof(struct fuse_setattr_in), true, NULL},
	{FUSE_MKNOD, sizeof(struct fuse_mknod_in), false, "new"},
	{FUSE_CREATE, sizeof(struct fuse_create_in), false, "new"},
	{FUSE_MKDIR, sizeof(struct fuse_mkdir_in), false, "new"},
	{FUSE_RMDIR, 0, false, "all"},
	{FUSE_LINK, sizeof(struct fuse_link_in), false, "new"},
	{FUSE_WRITE, sizeof(struct fuse_write_in), true, NULL},
	{FUSE_REMOVEXATTR, 0, true, "user.x"},
};

/* SEMANTICS 5.3: every write fails with EROFS, with and without allow_delete. */
static void every_write_is_refused(void **state)
{
	static const char zeroes[512];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mount *mount = i ? mount_new_with(&deleting) : mount_new();
		uint64_t all = kernel_walk(mount->kernel, "all");
		uint64_t node;

		mount_add_jobs(mount, 1, 1);
		node = look_up(mount, "all", 1);
		for (size_t j = 0; j < ARRAY_SIZE(writes); j++) {
			uint64_t number = kernel_ask(mount->kernel, writes[j].opcode,
				writes[j].of_file ? node : all,
				writes[j].len ? zeroes : NULL, writes[j].len,
				writes[j].name);

			assert_int_equal(
				kernel_answer(mount->kernel, number, NULL, 0), -EROFS);
		}
		assert_int_equal(mount->api->deletes, 0);
		mount_free(mount);
	}
}

/*
 * SEMANTICS 5.1, 10.1: with allow_delete, directories are writable for their owner,
 * because deleting needs write permission.
 */
static void directories_can_be_written_by_their_owner(void **state)
{
	struct mount *mount = mount_new_with(&deleting);
	struct fuse_attr attr;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_equal(kernel_getattr(mount->kernel, FUSE_ROOT_ID, &attr), 0);
	assert_int_equal(attr.mode, S_IFDIR | 0755);
	assert_int_equal(
		kernel_getattr(mount->kernel, look_up(mount, "all", 1), &attr), 0);
	assert_int_equal(attr.mode, S_IFREG | 0444);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removing_a_file_deletes_the_job),
		cmocka_unit_test(nothing_is_deleted_without_the_option),
		cmocka_unit_test(only_what_is_there_is_deleted),
		cmocka_unit_test(what_cannot_be_deleted),
		cmocka_unit_test(a_deletion_without_a_waiter_continues),
		cmocka_unit_test(an_open_directory_stays_as_it_was),
		cmocka_unit_test(files_are_opened_for_reading_alone),
		cmocka_unit_test(every_write_is_refused),
		cmocka_unit_test(directories_can_be_written_by_their_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
