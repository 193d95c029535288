/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount/mount_table.h"
#include "mount/unmount.h"
#include "support/temp_root.h"

/* mount/mount_table.c: entries of the mount table (SEMANTICS 1.3, 1.8). */

#define ORIGIN "https://api.gladia.io"

static char root[] = "/tmp/gladiafs-table-XXXXXX";

static const char *in_root(const char *name)
{
	return temp_root_path(root, name);
}

static const char *write_table(const char *text)
{
	return temp_root_write(root, "table", text);
}

/* Expects `table` to contain this mount, with the device 0:`device`. */
static void assert_mounted(const char *table, unsigned device, const char *point,
	const char *type, const char *source)
{
	struct mount_entry mount;

	assert_int_equal(
		mount_table_find_device(write_table(table), makedev(0, device), &mount),
		0);
	assert_string_equal(mount.point, point);
	assert_string_equal(mount.type, type);
	assert_string_equal(mount.source, source);
	assert_int_equal(mount.device, makedev(0, device));
	mount_table_done(&mount);
}

static void assert_not_mounted(const char *table, unsigned device)
{
	struct mount_entry mount;

	assert_int_equal(
		mount_table_find_device(write_table(table), makedev(0, device), &mount),
		-ENOENT);
}

static const char table_text[] =
	"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
	"28 1 253:1 / / rw,relatime shared:1 master:3 propagate_from:2 - ext4 /dev/vda "
	"rw\n"
	"90 28 0:50 / /mnt/gladia ro,nosuid - fuse.gladiafs " ORIGIN " ro,user_id=0\n"
	"91 28 0:51 / /mnt/a\\040b\\011c\\012d\\134e ro - fuse.gladiafs a\\040source ro\n"
	"92 28 0:52 / /mnt/twice rw - tmpfs below rw\n"
	"93 92 0:53 / /mnt/twice ro shared:9 - fuse.sshfs above ro";

/* SEMANTICS 1.5: the mount that a path belongs to is found by its device. */
static void test_table(void **state)
{
	(void)state;
	assert_mounted(table_text, 20, "/sys", "sysfs", "sysfs");
	assert_mounted(table_text, 50, "/mnt/gladia", "fuse.gladiafs", ORIGIN);
	assert_not_mounted(table_text, 5);
	assert_not_mounted(table_text, 0);
	assert_not_mounted(table_text, 500);
}

/*
 * If a device is mounted twice, the last mount counts. The last line may lack a newline.
 */
static void test_table_last_wins(void **state)
{
	(void)state;
	assert_mounted("92 28 0:52 / /mnt/twice rw - tmpfs below rw\n"
		       "93 92 0:52 / /mnt/twice ro shared:9 - fuse.sshfs above ro",
		52, "/mnt/twice", "fuse.sshfs", "above");
}

static void test_table_escapes(void **state)
{
	(void)state;
	assert_mounted(table_text, 51, "/mnt/a b\tc\nd\\e", "fuse.gladiafs", "a source");
	/* A backslash that begins no valid escape is copied. */
	assert_mounted("1 1 0:1 / /a\\04 rw - t s\\ rw\n", 1, "/a\\04", "t", "s\\");
	assert_mounted("1 1 0:1 / /a\\048 rw - t s rw\n", 1, "/a\\048", "t", "s");
	/* An empty source is recognized: two spaces with nothing in between. */
	assert_mounted("1 1 0:1 / /a rw - t  rw\n", 1, "/a", "t", "");
}

/*
 * SEMANTICS 1.8: a mount is found by its id and device wherever it is mounted, and so is
 * a mount on top of it.
 */
static void test_table_ids(void **state)
{
	struct mount_entry mount;

	(void)state;
	write_table(table_text);
	assert_int_equal(
		mount_table_find_id(in_root("table"), 90, makedev(0, 50), &mount), 0);
	assert_string_equal(mount.point, "/mnt/gladia");
	assert_int_equal(mount.id, 90);
	mount_table_done(&mount);
	/* The id belongs to another filesystem, or is only a prefix of one. */
	assert_int_equal(
		mount_table_find_id(in_root("table"), 90, makedev(0, 51), &mount),
		-ENOENT);
	assert_int_equal(mount_table_find_id(in_root("table"), 9, makedev(0, 50), &mount),
		-ENOENT);
	assert_int_equal(mount_table_find_child(in_root("table"), 92, &mount), 0);
	assert_string_equal(mount.source, "above");
	mount_table_done(&mount);
	assert_int_equal(mount_table_find_child(in_root("table"), 90, &mount), -ENOENT);
}

/* Lines that a kernel would not write are skipped. */
static void test_table_broken(void **state)
{
	static const char *const tables[] = {"", "\n", "\n\n\n", " ", "1 1 0:1 / /a",
		"1 1 0:1 / /a rw", "1 1 0:1 / /a rw -", "1 1 0:1 / /a rw - t",
		"1 1 0:1 / /a rw shared:1 master:2 t s rw", "- - - - - -"};
	struct mount_entry mount;
	struct mount_id proc;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_not_mounted(tables[i], 1);
	assert_int_equal(mount_table_find_child(in_root("missing"), 1, &mount), -ENOENT);
	assert_int_equal(mount_table_find_child(root, 1, &mount), -EINVAL);
	/* The kernel's own mount table. */
	assert_int_equal(unmount_identify("/proc", &proc), 0);
	assert_int_equal(
		mount_table_find_id(MOUNTINFO_SELF, proc.id, proc.device, &mount), 0);
	assert_string_equal(mount.type, "proc");
	mount_table_done(&mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_ROOT_TEST(test_table, root),
		TEMP_ROOT_TEST(test_table_last_wins, root),
		TEMP_ROOT_TEST(test_table_escapes, root),
		TEMP_ROOT_TEST(test_table_ids, root),
		TEMP_ROOT_TEST(test_table_broken, root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
