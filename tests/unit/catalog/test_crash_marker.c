/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "catalog/internal.h"
#include "catalog_fixture.h"

/*
 * The machine crashes while a catalog is in use (SEMANTICS 7.4): data that was not synced
 * is not trusted.
 */

/* File system type that fstatfs(2) reports for every file (the linker's --wrap). */
static unsigned filesystem = EXT4_SUPER_MAGIC;

int __wrap_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs64(int fd, struct statfs *ret);

int __wrap_fstatfs(int fd, struct statfs *ret)
{
	*ret = (struct statfs){.f_type = filesystem};
	return fd < 0 ? -1 : 0;
}

int __wrap_fstatfs64(int fd, struct statfs *ret)
{
	return __wrap_fstatfs(fd, ret);
}

static bool is_dirty(struct catalog_fixture *fixture)
{
	FILE *file = fopen(fixture_path(fixture, "-boot"), "re");

	assert_non_null(file);

	int first = fgetc(file);

	assert_int_equal(fclose(file), 0);
	return first != '\n';
}

static struct catalog *open_in(struct catalog_fixture *fixture, const char *boot)
{
	fixture->boot = boot;
	return fixture_open(fixture, FIXTURE_NO_MAX);
}

static struct catalog *open_and_put(
	struct catalog_fixture *fixture, const char *boot, const char *id)
{
	struct catalog *catalog = open_in(fixture, boot);

	fixture_put(catalog, id, JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	return catalog;
}

static bool has(struct catalog *catalog, const char *id)
{
	struct catalog_job job;
	int err = jobs_by_id(catalog, id, &job);

	assert_true(err == 0 || err == -ENOENT);
	return err == 0;
}

/* Closes the catalog and waits for its child processes. */
static void end(struct catalog *catalog)
{
	catalog_close(catalog);
	while (wait(NULL) > 0)
		;
}

/* Closes the catalog, but leaves the files as they were while it was in use. */
static void go_down(struct catalog_fixture *fixture, struct catalog *catalog)
{
	char keep[160];
	char put_back[256];

	snprintf(keep, sizeof(keep), "cp -r %s %s.copy", fixture->dir, fixture->dir);
	snprintf(put_back, sizeof(put_back), "rm -r %s && mv %s.copy %s", fixture->dir,
		fixture->dir, fixture->dir);
	assert_int_equal(system(keep), 0);
	end(catalog);
	assert_int_equal(system(put_back), 0);
}

/* SEMANTICS 7.4.7 */
static void test_spec_7_4_the_machine_went_down(void **state)
{
	struct catalog_fixture *fixture = *state;

	go_down(fixture, open_and_put(fixture, "1", "a"));

	struct catalog *catalog = open_in(fixture, "2");

	assert_int_equal(
		fixture_messages(fixture, "was in use when the machine went down"), 1);
	assert_false(has(catalog, "a"));
	assert_int_equal(access(fixture_path(fixture, ".damaged"), F_OK), 0);
	fixture_put(catalog, "b", JOB_DONE, "text");
	end(catalog);
	catalog = open_in(fixture, "3");
	assert_true(has(catalog, "b"));
	end(catalog);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* SEMANTICS 11.4: the catalog is kept if only the process was killed. */
static void test_only_the_process_went(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {{"1", "1"}, {"host 1", "1"}, {"1", ""}, {"", "1"}};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		go_down(fixture, open_and_put(fixture, cases[i].before, "a"));

		struct catalog *catalog = open_in(fixture, cases[i].after);

		assert_true(has(catalog, "a"));
		assert_int_equal(fixture_messages(fixture, ""), 0);
		end(catalog);
		unlink(fixture->path);
		unlink(fixture_path(fixture, "-boot"));
	}
}

/* Returns the setting of the catalog's connection: 0 is OFF, 2 is FULL. */
static int synchronous(struct catalog *catalog)
{
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(
				 catalog->db, "PRAGMA synchronous", -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);

	int value = sqlite3_column_int(statement, 0);

	sqlite3_finalize(statement);
	return value;
}

/*
 * SEMANTICS 7.4.10: on a filesystem that other machines may use each write is synced, and
 * the catalog is trusted.
 */
static void test_spec_7_4_network(void **state)
{
	static const unsigned filesystems[] = {
		NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, FUSE_SUPER_MAGIC};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(filesystems); i++) {
		filesystem = filesystems[i];

		struct catalog *catalog = open_and_put(fixture, "1", "a");

		assert_int_equal(synchronous(catalog), 2);
		assert_int_equal(access(fixture_path(fixture, "-boot"), F_OK), -1);
		go_down(fixture, catalog);
		catalog = open_in(fixture, "2");
		assert_true(has(catalog, "a"));
		assert_int_equal(fixture_messages(fixture, ""), 0);
		end(catalog);
		unlink(fixture->path);
	}
	filesystem = EXT4_SUPER_MAGIC;

	struct catalog *catalog = open_and_put(fixture, "1", "a");

	assert_int_equal(synchronous(catalog), 0);
	end(catalog);
}

/* SEMANTICS 7.4: of two mounts, only the last one to close removes the crash marker. */
static void test_another_goes_on(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = open_and_put(fixture, "1", "a");
	struct catalog *two = open_and_put(fixture, "1", "b");

	assert_true(is_dirty(fixture));
	end(one);
	assert_true(is_dirty(fixture));
	go_down(fixture, two);
	two = open_in(fixture, "2");
	assert_int_equal(fixture_messages(fixture, "went down"), 1);
	assert_false(has(two, "a"));
	one = open_in(fixture, "2");
	end(two);
	assert_true(is_dirty(fixture));
	end(one);
	assert_false(is_dirty(fixture));
}

/* A process that dies while it writes without a journal may leave a torn file. */
static void test_doubt(void **state)
{
	static const char *const boots[] = {NULL, "1"};
	struct catalog_fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		struct catalog *catalog = open_and_put(fixture, boots[i], "a");

		assert_int_equal(crash_marker_doubt(&catalog->crash_marker, true), 0);
		assert_int_equal(crash_marker_doubt(&catalog->crash_marker, false), 0);
		go_down(fixture, catalog);
		catalog = open_in(fixture, boots[i]);
		assert_true(has(catalog, "a"));
		assert_int_equal(crash_marker_doubt(&catalog->crash_marker, true), 0);
		go_down(fixture, catalog);
		catalog = open_in(fixture, boots[i]);
		assert_false(has(catalog, "a"));
		assert_int_equal(fixture_messages(fixture, "went down"), 1);
		end(catalog);
	}
}

/* The boot id that Linux reports is the same for all processes. */
static void test_system(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = open_and_put(fixture, NULL, "a");

	assert_true(is_dirty(fixture));
	go_down(fixture, catalog);
	catalog = open_in(fixture, NULL);
	assert_true(has(catalog, "a"));
	end(catalog);
	assert_false(is_dirty(fixture));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_spec_7_4_the_machine_went_down),
		FIXTURE_TEST(test_only_the_process_went),
		FIXTURE_TEST(test_spec_7_4_network),
		FIXTURE_TEST(test_another_goes_on),
		FIXTURE_TEST(test_system),
		FIXTURE_TEST(test_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
