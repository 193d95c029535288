/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "catalog_fixture.h"

/*
 * The database file: readable only by its owner, and set aside if it is unusable.
 * SEMANTICS 7.4.
 */

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(close(fd), 0);
}

static void assert_holds(const char *path, const void *bytes, size_t len)
{
	char read_bytes[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && len < sizeof(read_bytes));
	assert_int_equal(read(fd, read_bytes, sizeof(read_bytes)), len);
	assert_memory_equal(read_bytes, bytes, len);
	assert_int_equal(close(fd), 0);
}

/* The catalog must accept a job. Returns true if the job is on disk. */
static bool works_on_disk(struct catalog_fixture *fixture, struct catalog *catalog)
{
	fixture_put(catalog, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_close(catalog);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	struct catalog_job job;
	int err = jobs_by_id(catalog, "a", &job);

	if (!err)
		fixture_assert_text(catalog, &job, "text");
	catalog_close(catalog);
	return !err;
}

/*
 * SEMANTICS 7.4: the file and those that SQLite creates next to it have mode 0600,
 * whatever the umask is.
 */
static void test_spec_7_4_mode(void **state)
{
	static const mode_t masks[] = {0, 022, 077, 0777};
	struct catalog_fixture *fixture = *state;
	mode_t before = umask(0);

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		umask(masks[i]);

		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		fixture_put(catalog, "a", JOB_DONE, "text");
		assert_int_equal(mode_of(fixture->path), 0600);
		assert_int_equal(mode_of(fixture_path(fixture, "-journal")), 0600);
		catalog_close(catalog);
		unlink(fixture->path);
	}
	umask(before);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

static void test_loose_mode_is_corrected(void **state)
{
	struct catalog_fixture *fixture = *state;

	catalog_close(fixture_open(fixture, FIXTURE_NO_MAX));
	assert_int_equal(chmod(fixture->path, 0666), 0);
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(mode_of(fixture->path), 0600);
}

/* A symbolic link is not followed, and its target is left alone. */
static void test_symbolic_link(void **state)
{
	struct catalog_fixture *fixture = *state;

	write_file(fixture_path(fixture, "-other"), "precious", 8);
	assert_int_equal(symlink("db-other", fixture->path), 0);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "symbolic link"), 2);
	assert_holds(fixture_path(fixture, "-other"), "precious", 8);
}

/* The directory may be a symbolic link: ~/.cache often is. */
static void test_directory_by_symbolic_link(void **state)
{
	struct catalog_fixture *fixture = *state;

	assert_int_equal(mkdir(fixture_path(fixture, ".real"), 0700), 0);
	assert_int_equal(symlink("db.real", fixture_path(fixture, ".link")), 0);
	snprintf(fixture->path, sizeof(fixture->path), "%s/db.link/db", fixture->dir);
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, ""), 0);
	snprintf(fixture->path, sizeof(fixture->path), "%s/db.real/db", fixture->dir);
	assert_int_equal(mode_of(fixture->path), 0600);
}

static void test_relative_path(void **state)
{
	struct catalog_fixture *fixture = *state;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(chdir(fixture->dir), 0);
	strcpy(fixture->path, "db");
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(mode_of("db"), 0600);
	assert_int_equal(fchdir(here), 0);
	close(here);
}

static void test_another_users(void **state)
{
	struct catalog_fixture *fixture = *state;

	if (geteuid() != 0)
		skip();
	write_file(fixture->path, "", 0);
	assert_int_equal(chown(fixture->path, 12345, (gid_t)-1), 0);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "another user"), 2);
	assert_holds(fixture->path, "", 0);
}

static void test_not_a_file(void **state)
{
	struct catalog_fixture *fixture = *state;

	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "not a regular file"), 2);
	assert_int_equal(unlink(fixture->path), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "Is a directory"), 2);
}

/* If the file cannot be created, the catalog works without it and logs a message. */
static void test_unwritable_place(void **state)
{
	struct catalog_fixture *fixture = *state;

	write_file(fixture->path, "a file", 6);
	snprintf(fixture->path, sizeof(fixture->path), "%s/db/db", fixture->dir);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "Not a directory"), 2);
	snprintf(fixture->path, sizeof(fixture->path), "%s/none/db", fixture->dir);
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "No such file or directory"), 2);
	strcpy(fixture->path, "/proc/db");
	assert_false(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "cache_dir"), 2);
}

/*
 * A disk with no room for a database is treated like a directory that cannot be written.
 */
static void test_full_disk(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct rlimit before;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);

	struct rlimit limit = {4096, before.rlim_max};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	assert_int_equal(fixture_messages(fixture, "continuing without"), 1);
	fixture_put(catalog, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	catalog_close(catalog);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	/* The partial file of the full disk does no harm once there is room. */
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
}

/* A file that is not ours is never written to: it is set aside unchanged. */
static void test_spec_7_4_foreign_file(void **state)
{
	static const char garbage[] = "This is not a database, nor was it ever one.";
	struct catalog_fixture *fixture = *state;

	write_file(fixture->path, garbage, sizeof(garbage));
	/*
	 * The journal of a file that was set aside earlier must not become the journal of
	 * this one.
	 */
	write_file(fixture_path(fixture, ".damaged"), "", 0);
	write_file(fixture_path(fixture, ".damaged-journal"), "journal", 7);
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));

	char message[300];

	snprintf(message, sizeof(message),
		"the cache %s is damaged or not this version's: renamed to %s.damaged",
		fixture->path, fixture->path);
	assert_int_equal(fixture_messages(fixture, message), 1);
	assert_holds(fixture_path(fixture, ".damaged"), garbage, sizeof(garbage));
	assert_int_equal(access(fixture_path(fixture, ".damaged-journal"), F_OK), -1);
}

/* SEMANTICS 7.4: a database with another schema is set aside and rebuilt. */
static void test_spec_7_4_other_schema(void **state)
{
	static const char *const changes[] = {
		"PRAGMA user_version = 99",
		"PRAGMA user_version = 0",
		"PRAGMA application_id = 1",
		"PRAGMA application_id = 0",
		"DROP TABLE jobs",
		"DROP TABLE listings",
		"ALTER TABLE chunks RENAME COLUMN data TO bytes",
	};
	struct catalog_fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		fixture_put(catalog, "old", JOB_DONE, "text");
		catalog_close(catalog);
		fixture_sql(fixture, changes[i]);
		catalog = fixture_open(fixture, FIXTURE_NO_MAX);
		assert_int_equal(fixture_messages(fixture, "renamed to"), 1);

		struct catalog_job job;

		assert_int_equal(jobs_by_id(catalog, "old", &job), -ENOENT);
		assert_true(works_on_disk(fixture, catalog));
		/* The file was set aside together with its journals. */
		assert_int_equal(access(fixture_path(fixture, ".damaged"), F_OK), 0);
	}
}

/*
 * SEMANTICS 7.4.9: a database of version 3, which did not compress texts, is used as it
 * is, and its old texts can be read, changed and deleted like new ones.
 */
static void test_spec_7_4_older_version(void **state)
{
	static const char make_older[] =
		"PRAGMA secure_delete = ON;"
		"UPDATE chunks SET data = CAST(printf('%.131072c', 'x') AS BLOB)"
		"	WHERE chunk % 8192 = 0;"
		"UPDATE chunks SET data = CAST(printf('%.5c', 'x') AS BLOB)"
		"	WHERE chunk % 8192 = 1;"
		"UPDATE jobs SET ino = ino | job * 4, node = node | 4;"
		"DROP INDEX jobs_by_name;"
		"ALTER TABLE jobs DROP COLUMN name;"
		"ALTER TABLE jobs DROP COLUMN facts;"
		"ALTER TABLE totals RENAME COLUMN text_bytes TO kept;"
		"UPDATE totals SET kept = (SELECT sum(length(data)) FROM chunks);"
		"DROP INDEX jobs_by_ino;"
		"CREATE TABLE inodes(ino INTEGER PRIMARY KEY, job INTEGER NOT NULL);"
		"CREATE TABLE inodes_recent("
		"	ino INTEGER PRIMARY KEY, job INTEGER NOT NULL);"
		"INSERT INTO inodes SELECT ino, job FROM jobs;"
		"CREATE TRIGGER jobs_came AFTER INSERT ON jobs BEGIN"
		"	INSERT INTO inodes_recent VALUES(new.ino, new.job);"
		"END;"
		"CREATE TRIGGER jobs_went AFTER DELETE ON jobs BEGIN"
		"	DELETE FROM inodes WHERE ino = old.ino;"
		"END;"
		"ALTER TABLE totals ADD COLUMN recent INTEGER;"
		"ALTER TABLE chunks RENAME COLUMN chunk TO piece;"
		"ALTER TABLE chunks RENAME TO pieces;"
		"PRAGMA user_version = 3";
	enum { SIZE = 131072 + 5 };
	static char text[SIZE + 1], read[SIZE];
	static const char *const ids[] = {"read", "changed", "deleted"};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job;
	size_t len;

	memset(text, 'x', SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		fixture_put(catalog, ids[i], JOB_DONE, text);
	catalog_close(catalog);
	fixture_sql(fixture, make_older);
	catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(jobs_by_id(catalog, ids[i], &job), 0);
		assert_int_equal(
			texts_read(catalog, &job, 0, read, sizeof(read), &len), 0);
		assert_int_equal(len, SIZE);
		assert_memory_equal(read, text, SIZE);
	}
	assert_int_equal(jobs_mark_deleted(catalog, job.row), 0);
	fixture_put(catalog, "changed", JOB_DONE, "new");
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	assert_true(fixture_sql(fixture, "SELECT text_bytes FROM totals") == SIZE + 3);
	assert_true(works_on_disk(fixture, catalog));
	assert_int_equal(fixture_sql(fixture, "PRAGMA user_version"), 7);
}

/* A valid database of another program is set aside. */
static void test_spec_7_4_foreign_database(void **state)
{
	struct catalog_fixture *fixture = *state;

	write_file(fixture->path, "", 0);
	fixture_sql(fixture, "CREATE TABLE mine(mine)");
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, "renamed to"), 1);
	assert_int_equal(rename(fixture_path(fixture, ".damaged"), fixture->path), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT count(*) FROM sqlite_master"), 1);
	assert_int_equal(access(fixture_path(fixture, ".damaged-journal"), F_OK), -1);
}

/* Truncation in the first page. Other truncations are found in use: test_damage.c. */
static void test_spec_7_4_cut_short(void **state)
{
	struct catalog_fixture *fixture = *state;

	for (off_t size = 2; size < 8192; size = size * 3 + 7) {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

		fixture_put(catalog, "old", JOB_DONE, "text");
		catalog_close(catalog);
		assert_int_equal(truncate(fixture->path, size), 0);
		assert_true(
			works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
		assert_int_equal(fixture_messages(fixture, "renamed to"), 1);
	}
}

/*
 * An empty file is not damage: a user created it, or a process died before writing to it.
 */
static void test_empty_file(void **state)
{
	struct catalog_fixture *fixture = *state;

	write_file(fixture->path, "", 0);
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_true(works_on_disk(fixture, fixture_open(fixture, FIXTURE_NO_MAX)));
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_spec_7_4_mode),
		FIXTURE_TEST(test_loose_mode_is_corrected),
		FIXTURE_TEST(test_symbolic_link),
		FIXTURE_TEST(test_directory_by_symbolic_link),
		FIXTURE_TEST(test_relative_path),
		FIXTURE_TEST(test_another_users),
		FIXTURE_TEST(test_not_a_file),
		FIXTURE_TEST(test_unwritable_place),
		FIXTURE_TEST(test_full_disk),
		FIXTURE_TEST(test_spec_7_4_foreign_file),
		FIXTURE_TEST(test_spec_7_4_other_schema),
		FIXTURE_TEST(test_spec_7_4_older_version),
		FIXTURE_TEST(test_spec_7_4_foreign_database),
		FIXTURE_TEST(test_spec_7_4_cut_short),
		FIXTURE_TEST(test_empty_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
