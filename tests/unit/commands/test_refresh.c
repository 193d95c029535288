/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "commands/refresh.h"
#include "fs/refresh.h"
#include "mount/mount_table.h"
#include "process/exit_code.h"

/*
 * SEMANTICS 1.5: gladiafs --refresh, on directories that the wrapped functions below make
 * into mounts.
 */
static struct {
	const char *type; /* filesystem type of every path; NULL: `error` */
	int error;        /* error of reading the mount table */
	int refused;      /* errno of the ioctl; 0: none */
	unsigned ioctls;
} system_is;

int __wrap_mount_table_find_device(
	const char *file, dev_t device, struct mount_entry *ret_mount);
int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_mount_table_find_device(
	const char *file, dev_t device, struct mount_entry *ret_mount)
{
	assert_string_equal(file, MOUNTINFO_SELF);
	if (!system_is.type)
		return system_is.error;
	*ret_mount = (struct mount_entry){.type = strdup(system_is.type),
		.point = strdup("/mnt"),
		.device = device};
	if (ret_mount->type && ret_mount->point)
		return 0;
	mount_table_done(ret_mount);
	return -ENOMEM;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	assert_true(fd >= 0);
	assert_int_equal(request, FS_IOC_REFRESH);
	system_is.ioctls++;
	errno = system_is.refused;
	return system_is.refused ? -1 : 0;
}

static char directory[] = "/tmp/gladiafs-test-XXXXXX";
static char file[64];

static int make_directory(void **state)
{
	(void)state;
	snprintf(file, sizeof(file), "%s/a.json", mkdtemp(directory));

	FILE *made = fopen(file, "w");

	return made && fclose(made) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return unlink(file) || rmdir(directory);
}

static void all_paths_are_refreshed(void **state)
{
	char *const paths[] = {directory, file, directory, NULL};
	CLEANUP(buf_done) struct buf errmsg;

	(void)state;
	buf_init(&errmsg, ERRMSG_MAX);
	system_is = (typeof(system_is)){.type = "fuse.gladiafs"};
	assert_int_equal(refresh_path(paths, &errmsg), EXIT_CODE_OK);
	assert_int_equal(system_is.ioctls, 3);
	assert_int_equal(errmsg.len, 0);
}

/* The first path that fails ends it, with a message about that path. */
static void failures_are_explained(void **state)
{
	static const struct {
		typeof(system_is) is;
		const char *path;
		int code;
		const char *message; /* %s: the path */
	} cases[] = {
		{{.type = "fuse.gladiafs", .refused = EPERM}, file, EXIT_CODE_SYSTEM,
			"cannot refresh %s: only root and the user that mounted it may "
			"do that"},
		{{.type = "fuse.gladiafs", .refused = ENOTTY}, directory,
			EXIT_CODE_SYSTEM,
			"cannot refresh %s: an older gladiafs serves it; unmount and "
			"mount again"},
		{{.type = "fuse.gladiafs", .refused = EIO}, directory, EXIT_CODE_SYSTEM,
			"cannot refresh %s: Input/output error"},
		{{.type = "fuse.sshfs"}, file, EXIT_CODE_USAGE,
			"%s is not in a gladiafs mount: mount first, then give a path "
			"inside it (findmnt -t fuse.gladiafs lists mounts)"},
		{{.error = -ENOENT}, directory, EXIT_CODE_USAGE,
			"%s is not in a gladiafs mount: mount first, then give a path "
			"inside it (findmnt -t fuse.gladiafs lists mounts)"},
		{{.error = -EIO}, directory, EXIT_CODE_USAGE,
			"cannot read the mount table /proc/self/mountinfo: "
			"Input/output error"},
		{{.type = "fuse.gladiafs"}, "/nonexistent/a", EXIT_CODE_USAGE,
			"cannot access %s: No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64];
		char expected[256];
		char *const paths[] = {path, path, NULL};
		CLEANUP(buf_done) struct buf errmsg;
		const char *at = strstr(cases[i].message, "%s");

		strcpy(path, cases[i].path);
		if (at)
			snprintf(expected, sizeof(expected), "%.*s%s%s",
				(int)(at - cases[i].message), cases[i].message, path,
				at + 2);
		else
			strcpy(expected, cases[i].message);
		buf_init(&errmsg, ERRMSG_MAX);
		system_is = cases[i].is;
		assert_int_equal(refresh_path(paths, &errmsg), cases[i].code);
		assert_non_null(errmsg.data);
		assert_string_equal(errmsg.data, expected);
		assert_int_equal(system_is.ioctls, system_is.refused ? 1 : 0);
	}
}

/* A file's directory is opened, and its name remembered. */
static void a_target_is_a_directory_and_a_name(void **state)
{
	struct refresh_target target;
	CLEANUP(buf_done) struct buf errmsg;

	(void)state;
	buf_init(&errmsg, ERRMSG_MAX);
	system_is = (typeof(system_is)){.type = "fuse.gladiafs"};
	assert_int_equal(refresh_target_open(file, &target, &errmsg), 0);
	assert_string_equal(target.name, "a.json");
	assert_string_equal(target.mount, "/mnt");
	assert_false(target.is_root);
	assert_int_equal(faccessat(target.fd, target.name, F_OK, 0), 0);

	int fd = target.fd;

	refresh_target_done(&target);
	assert_int_equal(target.fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), -1);

	assert_int_equal(refresh_target_open(directory, &target, &errmsg), 0);
	assert_null(target.name);
	assert_int_equal(faccessat(target.fd, "a.json", F_OK, 0), 0);
	refresh_target_done(&target);

	/* The root of /proc has the inode number of the root of a mount. */
	assert_int_equal(refresh_target_open("/proc", &target, &errmsg), 0);
	assert_true(target.is_root);
	refresh_target_done(&target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_paths_are_refreshed),
		cmocka_unit_test(failures_are_explained),
		cmocka_unit_test(a_target_is_a_directory_and_a_name),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
