/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/errmsg.h"
#include "mount/mount_table.h"
#include "mount/mountpoint.h"
#include "mount/unmount.h"
#include "support/temp_root.h"

/* mount/mountpoint.c: which directories can be mounted on (SEMANTICS 1.3, 11.4). */

enum { PATH_ROOM = 4096, SKIPPED = 77 };

#define ORIGIN "https://api.gladia.io"

static char root[] = "/tmp/gladiafs-point-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static const char *write_table(const char *text)
{
	return temp_root_write(root, "table", text);
}

static int begin(void **state)
{
	(void)state;
	return !temp_root_make(root) && mkdir(in_root("dir"), 0700) == 0 ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return temp_root_remove(root);
}

static void assert_good(const char *given, const char *table, const char *path)
{
	struct mountpoint point;
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(mountpoint_check(given, table, &point, &errmsg), 0);
	assert_string_equal(point.path, path);
	assert_false(point.dead);
	assert_int_equal(errmsg.len, 0);
	mountpoint_done(&point);
	buf_done(&errmsg);
}

static void assert_bad(
	const char *given, const char *table, int error, const char *wanted)
{
	struct mountpoint point;
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(mountpoint_check(given, table, &point, &errmsg), error);
	assert_non_null(errmsg.data);
	if (!strstr(errmsg.data, wanted))
		fail_msg("not '%s' in '%s'", wanted, errmsg.data);
	assert_null(strchr(errmsg.data, '\n'));
	mountpoint_done(&point);
	buf_done(&errmsg);
}

/* The path is made absolute and without links, because it is used after chdir("/"). */
static void test_path(void **state)
{
	char here[PATH_ROOM];
	char dir[PATH_ROOM];

	(void)state;
	strcpy(dir, in_root("dir"));
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(symlink("dir", in_root("link")), 0);
	assert_int_equal(chdir(root), 0);
	assert_good("dir", MOUNTINFO_SELF, dir);
	assert_good("dir/", MOUNTINFO_SELF, dir);
	assert_good("./dir/../link", MOUNTINFO_SELF, dir);
	assert_good(in_root("link"), MOUNTINFO_SELF, dir);
	assert_int_equal(chdir(here), 0);
	/* If the mount table cannot be read, nothing counts as mounted. */
	assert_good(dir, in_root("missing"), dir);
}

/* SEMANTICS 1.3: if a directory cannot be mounted on, one line of text says why. */
static void test_bad_path(void **state)
{
	char long_name[300];
	int fd = open(in_root("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(symlink("loop", in_root("loop")), 0);
	assert_bad(in_root("file"), MOUNTINFO_SELF, -ENOTDIR, "is not a directory");
	assert_bad(in_root("file/x"), MOUNTINFO_SELF, -ENOTDIR, "is not a directory");
	assert_bad("/dev/null", MOUNTINFO_SELF, -ENOTDIR, "is not a directory");
	assert_bad(in_root("none"), MOUNTINFO_SELF, -ENOENT, "mkdir -p");
	assert_bad(in_root("none/x"), MOUNTINFO_SELF, -ENOENT, "no such directory");
	assert_bad(in_root("a\nb"), MOUNTINFO_SELF, -ENOENT, "/a?b: there is no");
	assert_bad(in_root("loop"), MOUNTINFO_SELF, -ELOOP, "cannot be accessed");
	assert_bad(in_root(long_name), MOUNTINFO_SELF, -ENAMETOOLONG, "too long");
}

/* Writes a mount table in which the mount that contains `dir` is mounted on `point`. */
static const char *write_table_of(const char *dir, const char *point, const char *rest)
{
	char line[2 * PATH_ROOM];
	struct mount_id mount;

	assert_int_equal(unmount_identify(dir, &mount), 0);
	snprintf(line, sizeof(line), "%llu 1 %u:%u / %s ro - %s ro\n",
		(unsigned long long)mount.id, major(mount.device), minor(mount.device),
		point, rest);
	return write_table(line);
}

/* SEMANTICS 1.1: gladiafs is not mounted over another gladiafs with any source. */
static void test_mounted_already(void **state)
{
	static const struct {
		const char *rest;
		bool good;
	} tables[] = {
		{"fuse.gladiafs https://api.example.org", false},
		{"fuse.gladiafs " ORIGIN, false},
		{"fuse.gladiafs gladia", false},
		{"fuse.gladiafs ", false},
		{"fuse.sshfs gladia", true},
		{"fuse.sshfs " ORIGIN, true},
		{"ext4 /dev/vda", true},
	};
	char dir[PATH_ROOM];

	(void)state;
	strcpy(dir, in_root("dir"));
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const char *table = write_table_of(dir, dir, tables[i].rest);

		if (tables[i].good)
			assert_good(dir, table, dir);
		else
			assert_bad(dir, table, -EBUSY, "is mounted there already");
	}
}

/* SEMANTICS 1.1: gladiafs is not mounted inside another gladiafs. */
static void test_mounted_above(void **state)
{
	char dir[PATH_ROOM];

	(void)state;
	strcpy(dir, in_root("dir"));
	assert_bad(dir, write_table_of(dir, root, "fuse.gladiafs " ORIGIN), -EBUSY,
		"it is inside the gladiafs mount on /tmp/gladiafs-point-");
	assert_good(dir, write_table_of(dir, root, "ext4 /dev/vda"), dir);
}

/* A mount that is hidden below another one does not count. */
static void test_hidden(void **state)
{
	char dir[PATH_ROOM];
	char line[2 * PATH_ROOM];

	(void)state;
	strcpy(dir, in_root("dir"));
	snprintf(line, sizeof(line), "9 1 0:9 / %s ro - fuse.gladiafs gladia ro\n", dir);
	assert_good(dir, write_table(line), dir);
}

/*
 * Makes a FUSE mount whose requests are never answered. Returns the descriptor of its
 * device, or a negative number.
 */
static int mount_silent(const char *type)
{
	char options[64];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fd;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
		fd, getuid(), getgid());
	if (mount("source", in_root("dir"), type, 0, options) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Makes a FUSE mount that is dead: its device is closed. */
static bool mount_dead(const char *type)
{
	int fd = mount_silent(type);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool check(int error, bool dead, const char *wanted)
{
	struct mountpoint point;
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);

	int err = mountpoint_check(in_root("dir"), MOUNTINFO_SELF, &point, &errmsg);
	bool good = err == error && point.dead == dead &&
		    (wanted ? errmsg.data && strstr(errmsg.data, wanted) : !errmsg.len);

	if (!good)
		fprintf(stderr, "%d, dead %d: %s\n", err, point.dead,
			errmsg.data ? errmsg.data : "");
	mountpoint_done(&point);
	buf_done(&errmsg);
	return good;
}

static int clear(void)
{
	struct mountpoint point;
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);

	int err = mountpoint_check(in_root("dir"), MOUNTINFO_SELF, &point, &errmsg);

	if (!err)
		err = mountpoint_clear(&point, &errmsg);
	if (err)
		fprintf(stderr, "%s\n", errmsg.data ? errmsg.data : "");
	mountpoint_done(&point);
	buf_done(&errmsg);
	return err;
}

/* Runs `fn` in a child with its own mount namespace, so that no mounts are left. */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWNS) ||
			mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
			_exit(SKIPPED);
		_exit(fn());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int clear_dead(void)
{
	/* Two dead mounts, one over the other. */
	if (!mount_dead("fuse.gladiafs") || !mount_dead("fuse.gladiafs"))
		return SKIPPED;
	if (!check(0, true, NULL) || clear())
		return 1;
	if (!check(0, true, NULL) || clear())
		return 2;
	return check(0, false, NULL) ? 0 : 3;
}

/* SEMANTICS 11.4: a dead mount left by a crash is detected and cleared. */
static void test_dead(void **state)
{
	(void)state;
	in_child(clear_dead);
}

static int clear_hanging(void)
{
	char dir[PATH_ROOM];
	struct mountpoint point = {.path = dir, .dead = true, .hangs = true};
	struct mount_id below;
	struct mount_id now;
	struct buf errmsg;

	strcpy(dir, in_root("dir"));
	buf_init(&errmsg, ERRMSG_MAX);
	if (mount("below", dir, "tmpfs", 0, NULL) || unmount_identify(dir, &below) ||
		mount_silent("fuse.gladiafs") < 0 || unmount_identify(dir, &point.mount))
		return SKIPPED;
	if (mountpoint_clear(&point, &errmsg))
		return 1;
	return !unmount_identify(dir, &now) && now.id == below.id ? 0 : 2;
}

/* SEMANTICS 11.4: a mount that hangs is cleared, but not the filesystem below it. */
static void test_hanging(void **state)
{
	(void)state;
	in_child(clear_hanging);
}

/* Makes the kernel abort the mount, so that a process that waits for it gets an error. */
static void on_alarm(int signal)
{
	(void)signal;
	(void)umount2(in_root("dir"), MNT_FORCE);
}

static int check_despite_a_signal(void)
{
	static const struct sigaction action = {.sa_handler = on_alarm};
	static const struct itimerval soon = {.it_value.tv_usec = 50000};
	struct mountpoint point;
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	if (mount_silent("fuse.gladiafs") < 0)
		return SKIPPED;
	/* The mount is in use, so on_alarm() aborts it but does not unmount it. */
	if (open(in_root("dir"), O_PATH | O_CLOEXEC) < 0 ||
		sigaction(SIGALRM, &action, NULL) < 0 ||
		setitimer(ITIMER_REAL, &soon, NULL) < 0)
		return 1;

	int err = mountpoint_check(in_root("dir"), MOUNTINFO_SELF, &point, &errmsg);
	bool good = !err && point.dead && !point.hangs;

	mountpoint_done(&point);
	buf_done(&errmsg);
	return good ? 0 : 2;
}

/*
 * SEMANTICS 11.4: a mount that answers in time does not count as one that hangs, even if
 * a signal interrupts the wait for its answer.
 */
static void test_signal(void **state)
{
	(void)state;
	in_child(check_despite_a_signal);
}

static int refuse_foreign(void)
{
	if (!mount_dead("fuse.sshfs"))
		return SKIPPED;
	if (!check(-ENOTCONN, false, "a dead mount of another kind (fuse.sshfs)"))
		return 1;
	/* The mount was not cleared. */
	return check(-ENOTCONN, false, "fusermount3 -u") ? 0 : 2;
}

/*
 * SEMANTICS 11.4 covers only our own mounts: a dead mount of another program is not
 * cleared.
 */
static void test_dead_foreign(void **state)
{
	(void)state;
	in_child(refuse_foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_path, begin, end),
		cmocka_unit_test_setup_teardown(test_bad_path, begin, end),
		cmocka_unit_test_setup_teardown(test_mounted_already, begin, end),
		cmocka_unit_test_setup_teardown(test_mounted_above, begin, end),
		cmocka_unit_test_setup_teardown(test_hidden, begin, end),
		cmocka_unit_test_setup_teardown(test_dead, begin, end),
		cmocka_unit_test_setup_teardown(test_hanging, begin, end),
		cmocka_unit_test_setup_teardown(test_signal, begin, end),
		cmocka_unit_test_setup_teardown(test_dead_foreign, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
