/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "mount.h"

/* fs/session.c: how a session with the kernel begins and ends. */

enum {
	READDIRPLUS = FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO,
	CAPABLE = FUSE_ASYNC_READ | FUSE_AUTO_INVAL_DATA | READDIRPLUS |
		  FUSE_NO_OPEN_SUPPORT | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES,
	BACKGROUND = 8192,
};

static const struct mount_options unanswered = {.unanswered = true};

/*
 * SEMANTICS 11.2: INIT enables the flags that performed best, so that many processes can
 * use one directory at a time.
 */
static void init_enables_the_fastest_flags(void **state)
{
	struct mount *mount = mount_new_with(&unanswered);
	struct fuse_init_out out;

	(void)state;
	assert_int_equal(mount->ready, 0);
	assert_int_equal(kernel_init(mount->kernel, MOUNT_MINOR, CAPABLE, &out), 0);
	assert_int_equal(out.major, FUSE_KERNEL_VERSION);
	assert_true(out.flags & FUSE_PARALLEL_DIROPS);
	assert_int_equal(out.flags & READDIRPLUS, FUSE_DO_READDIRPLUS);
	assert_false(out.flags & FUSE_AUTO_INVAL_DATA);
	assert_int_equal(out.max_background, BACKGROUND);
	assert_int_equal(out.congestion_threshold, BACKGROUND);
	assert_int_equal(out.time_gran, 1);
	assert_int_equal(mount->ready, 1);
	mount_free(mount);
}

static void init_enables_only_what_the_kernel_supports(void **state)
{
	struct mount *mount = mount_new_with(&unanswered);
	struct fuse_init_out out;

	(void)state;
	assert_int_equal(
		kernel_init(mount->kernel, MOUNT_MINOR, FUSE_ASYNC_READ, &out), 0);
	assert_false(out.flags & READDIRPLUS);
	assert_int_equal(mount->ready, 1);
	mount_free(mount);
}

/* A request before INIT is refused, and INIT is then answered in full. */
static void init_need_not_be_the_first_message(void **state)
{
	struct mount *mount = mount_new_with(&unanswered);
	struct fuse_kstatfs statfs;
	struct fuse_init_out out;

	(void)state;
	assert_int_equal(kernel_statfs(mount->kernel, &statfs), -EIO);
	assert_int_equal(mount->ready, 0);
	assert_int_equal(kernel_init(mount->kernel, MOUNT_MINOR, CAPABLE, &out), 0);
	assert_true(out.flags & FUSE_PARALLEL_DIROPS);
	assert_int_equal(mount->ready, 1);
	mount_free(mount);
}

/*
 * A newer protocol version is answered with ours, and the kernel then sends INIT again.
 */
static void init_may_come_twice(void **state)
{
	struct mount *mount = mount_new_with(&unanswered);
	const struct fuse_init_in newer = {.major = FUSE_KERNEL_VERSION + 1};
	struct fuse_init_out out;
	uint64_t number = kernel_ask(
		mount->kernel, FUSE_INIT, 0, &newer, sizeof(newer), NULL);

	(void)state;
	assert_int_equal(kernel_answer(mount->kernel, number, &out, sizeof(out)), 0);
	assert_int_equal(out.major, FUSE_KERNEL_VERSION);
	assert_int_equal(mount->ready, 0);
	assert_int_equal(kernel_init(mount->kernel, MOUNT_MINOR, CAPABLE, &out), 0);
	assert_true(out.flags & FUSE_PARALLEL_DIROPS);
	assert_int_equal(mount->ready, 1);
	assert_int_equal(kernel_init(mount->kernel, MOUNT_MINOR, CAPABLE, &out), -EIO);
	assert_int_equal(mount->ready, 1);
	mount_free(mount);
}

/*
 * SEMANTICS 7.3: OPEN is answered with ENOSYS, so the kernel keeps cached content and
 * sends no more OPENs.
 */
static void open_is_not_needed(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	assert_int_equal(kernel_open(mount->kernel, job_ino(job_id(1).text)), -ENOSYS);
	mount_free(mount);
}

/* SEMANTICS 1.5: umount(8) ends the process with exit code 0. */
static void an_unmount_ends_it(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_turn(mount);
	assert_int_equal(mount->ended, 0);
	kernel_unmount(mount->kernel);
	mount_forward(mount, 0);
	assert_int_equal(mount->ended, 1);
	assert_int_equal(mount->end_error, 0);
	mount_free(mount);
}

/* A filesystem can be freed before it has answered a request, or even before INIT. */
static void it_can_end_at_any_time(void **state)
{
	struct mount *mount = mount_new_with(&unanswered);

	(void)state;
	mount_free(mount);
	mount = mount_new_with(&unanswered);
	kernel_unmount(mount->kernel);
	mount_forward(mount, 0);
	assert_int_equal(mount->ended, 1);
	assert_int_equal(mount->ready, 0);
	mount_free(mount);
}

static void no_descriptor_cannot_be_served(void **state)
{
	static const struct fs_handlers handlers;
	const struct fs_config config = {.source = "", .mount_flags = "", .text = ""};
	struct mount *mount = mount_new();
	struct fs *fs;

	(void)state;
	assert_int_equal(fs_new(mount->loop, &mount->log, mount->catalog, mount->sync,
				 &config, &handlers, NULL, &fs),
		0);
	assert_int_equal(fs_serve(fs, -1), -EIO);
	fs_free(fs);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_enables_the_fastest_flags),
		cmocka_unit_test(init_enables_only_what_the_kernel_supports),
		cmocka_unit_test(init_need_not_be_the_first_message),
		cmocka_unit_test(init_may_come_twice),
		cmocka_unit_test(open_is_not_needed),
		cmocka_unit_test(an_unmount_ends_it),
		cmocka_unit_test(it_can_end_at_any_time),
		cmocka_unit_test(no_descriptor_cannot_be_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
