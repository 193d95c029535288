/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/refresh.h"
#include "mount.h"

/* fs/refresh.c: the refresh ioctl of SEMANTICS 1.5. */

static int do_ioctl(struct mount *mount, const char *path, uint32_t command)
{
	uint64_t node = *path ? kernel_walk(mount->kernel, path) : FUSE_ROOT_ID;
	const struct fuse_ioctl_in arg = {.flags = FUSE_IOCTL_DIR, .cmd = command};
	struct fuse_ioctl_out out = {0};
	uint64_t number = kernel_ask(
		mount->kernel, FUSE_IOCTL, node, &arg, sizeof(arg), NULL);
	int err = kernel_answer(mount->kernel, number, &out, sizeof(out));

	assert_int_equal(out.result, 0);
	return err;
}

static int refresh(struct mount *mount, const char *path)
{
	return do_ioctl(mount, path, FS_IOC_REFRESH);
}

/* Lists a directory, and returns how many list requests that cost. */
static unsigned cost(struct mount *mount, const char *path)
{
	unsigned before = mount->api->lists;
	struct kernel_dir dir;
	char names[KERNEL_NAMES_MAX];

	kernel_opendir_at(mount->kernel, path, &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	kernel_releasedir(mount->kernel, &dir);
	return mount->api->lists - before;
}

static void a_directory_is_refreshed(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 5);
	assert_int_not_equal(cost(mount, "status/done"), 0);
	assert_int_not_equal(cost(mount, "status/error"), 0);
	assert_int_equal(cost(mount, "status/done"), 0);
	assert_int_equal(refresh(mount, "status/done"), 0);
	/* This directory is refreshed, and no other. */
	assert_int_equal(cost(mount, "status/error"), 0);
	assert_int_not_equal(cost(mount, "status/done"), 0);
	assert_int_equal(cost(mount, "status/done"), 0);
	mount_free(mount);
}

/*
 * A refreshed directory is not selected from another listing that is older than the
 * refresh.
 */
static void it_is_not_picked_out(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 5);
	assert_int_not_equal(cost(mount, "all"), 0);
	assert_int_equal(cost(mount, "status/done"), 0);
	assert_int_equal(refresh(mount, "status/done"), 0);
	assert_int_not_equal(cost(mount, "status/done"), 0);
	assert_int_equal(refresh(mount, "date/2026-04-01"), 0);
	assert_int_not_equal(cost(mount, "date/2026-04-01"), 0);
	mount_free(mount);
}

static void its_unfinished_jobs_are_asked_for(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(2).text, JOB_PROCESSING, MOUNT_WALL_MS - 1000);

	uint64_t all = kernel_walk(mount->kernel, "all");

	for (unsigned number = 1; number <= 2; number++)
		kernel_lookup(mount->kernel, all, job_file(number).text, &entry);
	assert_int_equal(mount->api->gets, 2);
	assert_int_equal(refresh(mount, "status/queued"), 0);
	/* This job is not in the directory. */
	kernel_lookup(mount->kernel, all, job_file(2).text, &entry);
	assert_int_equal(mount->api->gets, 2);
	kernel_lookup(mount->kernel, all, job_file(1).text, &entry);
	assert_int_equal(mount->api->gets, 3);
	mount_free(mount);
}

static void the_root_is_the_whole_mount(void **state)
{
	static const char *const roots[] = {"", ".gladiafs"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct mount *mount = mount_new();

		mount_add_jobs(mount, 1, 5);
		cost(mount, "status/done");
		cost(mount, "status/error");
		assert_int_equal(refresh(mount, roots[i]), 0);
		assert_int_not_equal(cost(mount, "status/error"), 0);
		assert_int_not_equal(cost(mount, "status/done"), 0);
		mount_free(mount);
	}
}

/*
 * A refresh invalidates the directory's name, or all names if the kernel supports epochs.
 */
static void the_kernel_forgets(void **state)
{
	const struct mount_options new = {.minor = KERNEL_MINOR_OF_EPOCHS};
	struct mount *mount = mount_new();
	struct kernel_notice notice;

	(void)state;
	assert_int_equal(refresh(mount, "status/done"), 0);
	kernel_next_notice(mount->kernel, &notice);
	assert_int_equal(notice.code, FUSE_NOTIFY_INVAL_ENTRY);
	assert_int_equal(notice.parent, kernel_walk(mount->kernel, "status"));
	assert_string_equal(notice.name, "done");
	assert_false(kernel_has_notice(mount->kernel));
	mount_free(mount);
	mount = mount_new_with(&new);
	assert_int_equal(refresh(mount, "status/done"), 0);
	kernel_next_notice(mount->kernel, &notice);
	assert_int_equal(notice.code, KERNEL_NOTIFY_INC_EPOCH);
	mount_free(mount);
}

static void nothing_else_is_known(void **state)
{
	struct mount *mount = mount_new();
	char path[KERNEL_NAME_MAX + 8] = "all/";

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_equal(do_ioctl(mount, "all", FS_IOC_REFRESH + 1), -ENOTTY);
	assert_int_equal(do_ioctl(mount, "", 0), -ENOTTY);
	assert_int_equal(refresh(mount, strcat(path, job_file(1).text)), -ENOTTY);
	mount_free(mount);
}

/*
 * SEMANTICS 1.5.3: only root, the mounting user and the owner of the files may refresh.
 */
static void not_every_user_may_refresh(void **state)
{
	enum { MOUNTING_UID = MOUNT_UID + 1, OTHER_UID };
	struct mount *mount = mount_new();
	uid_t uid = geteuid();

	(void)state;
	if (!uid)
		assert_int_equal(seteuid(MOUNTING_UID), 0);

	const struct {
		uid_t uid;
		int result;
	} cases[] = {{0, 0}, {geteuid(), 0}, {MOUNT_UID, 0}, {OTHER_UID, -EPERM}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		kernel_set_user(mount->kernel, cases[i].uid);
		assert_int_equal(refresh(mount, "all"), cases[i].result);
		assert_int_equal(refresh(mount, ""), cases[i].result);
	}
	assert_int_equal(seteuid(uid), 0);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_refreshed),
		cmocka_unit_test(it_is_not_picked_out),
		cmocka_unit_test(its_unfinished_jobs_are_asked_for),
		cmocka_unit_test(the_root_is_the_whole_mount),
		cmocka_unit_test(the_kernel_forgets),
		cmocka_unit_test(nothing_else_is_known),
		cmocka_unit_test(not_every_user_may_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
