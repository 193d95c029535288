/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog/saved_listings.h"
#include "catalog_fixture.h"

/* Two mounts of one account share one file: SEMANTICS 7.4. */
enum { END_MS = 20000 };

static int64_t now_ms(void)
{
	return clock_mono_ms(&clock_system);
}

/* Starts a transaction on another connection and leaves it open. */
static sqlite3 *keep_locked(struct catalog_fixture *fixture, const char *begin)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, begin, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void unlock(sqlite3 *db)
{
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int put_state(struct catalog *catalog, const char *id, enum job_status status,
	const char *text, struct catalog_job *ret_job)
{
	struct job job = fixture_job(id, status);
	const struct job_state state = {&job, text, strlen(text), NULL, INT64_MAX};
	enum catalog_change change;

	return jobs_put(catalog, &state, &change, ret_job);
}

static int put(struct catalog *catalog, const char *id)
{
	struct catalog_job stored;

	return put_state(catalog, id, JOB_DONE, "text", &stored);
}

/* A mount sees what another has written, with the same inode numbers. */
static void test_spec_7_4_shared(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog *two = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job a = fixture_put(one, "a", JOB_PROCESSING, "old");
	struct catalog_job found;

	assert_int_equal(jobs_by_id(two, "a", &found), -ENOENT);
	assert_int_equal(catalog_commit(one), 0);
	assert_int_equal(jobs_by_id(two, "a", &found), 0);
	assert_int_equal(found.row, a.row);
	assert_int_equal(found.node, a.node);
	fixture_assert_text(two, &found, "old");
	fixture_assert_totals(two, 1, 3);

	struct catalog_job b = fixture_put(two, "b", JOB_DONE, "other");

	assert_true(b.row > a.row);
	assert_int_equal(catalog_commit(two), 0);
	fixture_put(one, "c", JOB_DONE, "more");
	fixture_assert_totals(one, 3, 12);
	assert_int_equal(catalog_commit(one), 0);
	fixture_assert_totals(two, 3, 12);
	assert_int_equal(jobs_mark_deleted(two, a.row), 0);
	assert_int_equal(catalog_commit(two), 0);
	assert_int_equal(jobs_by_row(one, a.row, &found), 0);
	assert_true(found.deleted);
	catalog_close(one);
	catalog_close(two);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* SEMANTICS 7.3: another mount changes the job between its lookup and the read. */
static void test_spec_7_3_changed_by_the_other(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog *two = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job old = fixture_put(one, "a", JOB_PROCESSING, "old");
	struct catalog_job found;
	char bytes[4] = "###";
	size_t len;

	assert_int_equal(catalog_commit(one), 0);
	assert_int_equal(jobs_by_node(one, old.node, &found), 0);
	fixture_put(two, "a", JOB_DONE, "new");
	/* The old text is valid until the change is committed. */
	assert_int_equal(texts_read(one, &found, 0, bytes, 3, &len), 0);
	assert_string_equal(bytes, "old");
	assert_int_equal(catalog_commit(two), 0);
	assert_int_equal(texts_read(one, &found, 0, bytes, 3, &len), -ESTALE);
	assert_string_equal(bytes, "old");
	assert_int_equal(jobs_by_node(one, old.node, &found), -ESTALE);
	catalog_close(one);
	catalog_close(two);
}

/*
 * Writes transaction after transaction with hardly a pause, and reports the start of each
 * on the pipe `turns`, until the read end is closed.
 */
static _Noreturn void write_on_and_on(const char *path, int turns)
{
	sqlite3 *db;

	signal(SIGPIPE, SIG_IGN);

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(1);
	sqlite3_busy_timeout(db, END_MS);
	for (;;) {
		if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		if (write(turns, "", 1) < 0)
			break;
		usleep(20000);
		if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		usleep(100);
	}
	sqlite3_close(db);
	_exit(0);
}

/* Returns when a transaction has just begun. */
static void await_turn(int turns)
{
	static char passed[1 << 16];
	struct pollfd waiting = {.fd = turns, .events = POLLIN};

	while (poll(&waiting, 1, 0) > 0)
		assert_true(read(turns, passed, sizeof(passed)) > 0);
	assert_int_equal(read(turns, passed, 1), 1);
}

/* A mount that lists for a long time does not keep another from writing. */
static void test_a_busy_one(void **state)
{
	struct catalog_fixture *fixture = *state;
	int turns[2];
	int status;

	/* The file exists, and the child inherits no open catalog. */
	catalog_close(fixture_open(fixture, FIXTURE_NO_MAX));
	assert_int_equal(pipe(turns), 0);

	pid_t pid = fork();

	if (pid == 0) {
		close(turns[0]);
		write_on_and_on(fixture->path, turns[1]);
	}
	assert_true(pid > 0);
	close(turns[1]);

	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	for (char id[] = "a"; *id <= 'z'; ++*id) {
		await_turn(turns[0]);
		assert_int_equal(put(catalog, id), 0);
		assert_int_equal(catalog_commit(catalog), 0);
	}
	close(turns[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	catalog_close(catalog);
}

/* A mount waits once for a locked file; other operations then fail without waiting. */
static void test_locked(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job a = fixture_put(catalog, "a", JOB_DONE, "text");

	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(catalog_waited_ms(catalog), 0);

	sqlite3 *db = keep_locked(fixture, "BEGIN IMMEDIATE");
	int64_t began_ms = now_ms();

	assert_int_equal(put(catalog, "b"), -EIO);
	assert_in_range(now_ms() - began_ms, CATALOG_BUSY_MS / 2, 5 * CATALOG_BUSY_MS);
	assert_in_range(
		catalog_waited_ms(catalog), CATALOG_BUSY_MS / 2, now_ms() - began_ms);
	assert_int_equal(fixture_messages(fixture, "another mount of this account"), 1);
	began_ms = now_ms();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(put(catalog, "b"), -EIO);
		assert_int_equal(jobs_invalidate(catalog, a.row), -EIO);
		assert_int_equal(jobs_mark_deleted(catalog, a.row), -EIO);
		assert_int_equal(saved_listings_forget_all(catalog), -EIO);
		assert_int_equal(catalog_commit(catalog), 0);
	}
	/* Reading still works, but no use is recorded. */
	fixture->now_ms += 1000000;
	fixture_assert_text(catalog, &a, "text");
	fixture_assert_totals(catalog, 1, 4);
	assert_true(now_ms() - began_ms < CATALOG_BUSY_MS);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	unlock(db);
	assert_int_equal(put(catalog, "b"), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_totals(catalog, 2, 8);
	/* After a success, the next lock is waited for and logged again. */
	db = keep_locked(fixture, "BEGIN IMMEDIATE");
	began_ms = now_ms();
	assert_int_equal(put(catalog, "c"), -EIO);
	assert_true(now_ms() - began_ms >= CATALOG_BUSY_MS / 2);
	assert_int_equal(fixture_messages(fixture, "another mount of this account"), 1);
	unlock(db);
	catalog_close(catalog);
	fixture_assert_sums(fixture);
}

/*
 * Between catalog_read_begin() and catalog_read_end() a mount sees one state; others can
 * write after it, and the mount itself can write at any time.
 */
static void test_reading(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog *two = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job found;

	fixture_put(one, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(one), 0);
	assert_true(catalog_read_begin(one));
	assert_false(catalog_read_begin(one));
	assert_int_equal(jobs_by_id(one, "a", &found), 0);
	fixture_assert_text(one, &found, "text");
	catalog_read_end(one);
	catalog_read_end(one);
	fixture_put(two, "b", JOB_DONE, "text");
	assert_int_equal(catalog_commit(two), 0);
	catalog_read_begin(one);
	assert_int_equal(jobs_by_id(one, "b", &found), 0);
	fixture_put(one, "c", JOB_DONE, "text");
	catalog_read_end(one);
	assert_int_equal(jobs_by_id(two, "c", &found), -ENOENT);
	assert_int_equal(catalog_commit(one), 0);
	assert_int_equal(jobs_by_id(two, "c", &found), 0);
	/* A commit ends the read transaction. */
	catalog_read_begin(one);
	assert_int_equal(jobs_by_id(one, "a", &found), 0);
	assert_int_equal(catalog_commit(one), 0);
	assert_int_equal(jobs_mark_deleted(two, found.row), 0);
	assert_int_equal(catalog_commit(two), 0);
	catalog_close(one);
	catalog_close(two);
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* If another process hangs in a commit, a reader waits for it, but only once. */
static void test_locked_for_reading(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job a = fixture_put(catalog, "a", JOB_DONE, "text");
	struct catalog_job found;

	assert_int_equal(catalog_commit(catalog), 0);

	sqlite3 *db = keep_locked(fixture, "BEGIN EXCLUSIVE");
	int64_t began_ms = now_ms();

	for (int i = 0; i < 10; i++)
		assert_int_equal(jobs_by_row(catalog, a.row, &found), -EIO);
	assert_in_range(now_ms() - began_ms, CATALOG_BUSY_MS / 2, 5 * CATALOG_BUSY_MS);
	assert_int_equal(fixture_messages(fixture, "another mount of this account"), 1);
	unlock(db);
	assert_int_equal(jobs_by_row(catalog, a.row, &found), 0);
	fixture_assert_text(catalog, &found, "text");
	catalog_close(catalog);
}

/* If the file is locked, a use is not recorded: a reader waits for no mount. */
static void test_reading_does_not_wait(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job a = fixture_put(catalog, "a", JOB_DONE, "text");

	assert_int_equal(catalog_commit(catalog), 0);
	fixture->now_ms += 1000000;

	sqlite3 *db = keep_locked(fixture, "BEGIN IMMEDIATE");
	int64_t began_ms = now_ms();

	fixture_assert_text(catalog, &a, "text");
	assert_true(now_ms() - began_ms < CATALOG_BUSY_MS / 2);
	assert_int_equal(catalog_commit(catalog), 0);
	unlock(db);
	fixture_assert_text(catalog, &a, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT used FROM jobs"), fixture->now_ms);
	/* Writes wait as long as before. */
	db = keep_locked(fixture, "BEGIN IMMEDIATE");
	began_ms = now_ms();
	assert_int_equal(put(catalog, "b"), -EIO);
	assert_true(now_ms() - began_ms >= CATALOG_BUSY_MS / 2);
	unlock(db);
	catalog_close(catalog);
}

/* A mount that starts while another writes still shares the file. */
static void test_open_while_locked(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *one = fixture_open(fixture, FIXTURE_NO_MAX);

	fixture_put(one, "a", JOB_DONE, "text");
	assert_int_equal(catalog_commit(one), 0);
	fixture_put(one, "b", JOB_DONE, "text");

	struct catalog *two = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job found;

	assert_int_equal(jobs_by_id(two, "a", &found), 0);
	assert_int_equal(catalog_commit(one), 0);
	assert_int_equal(jobs_by_id(two, "b", &found), 0);
	catalog_close(one);
	catalog_close(two);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* A lock on the directory that is never released only delays the mount. */
static void test_directory_kept_locked(void **state)
{
	struct catalog_fixture *fixture = *state;
	int fd = open(fixture->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t began_ms = now_ms();

	assert_int_equal(flock(fd, LOCK_EX), 0);
	catalog_close(fixture_open(fixture, FIXTURE_NO_MAX));
	assert_in_range(now_ms() - began_ms, CATALOG_BUSY_MS / 2, 5 * CATALOG_BUSY_MS);
	assert_int_equal(fixture_messages(fixture, ""), 0);
	close(fd);
}

enum { MOUNTS = 4, ROUNDS = 60 };

static int write_round(struct catalog *catalog, int number, int i)
{
	char id[32];
	struct catalog_job stored;

	snprintf(id, sizeof(id), "%d %d", number, i);

	int err = put(catalog, id);

	snprintf(id, sizeof(id), "all %d", i);
	if (!err)
		err = put_state(
			catalog, id, JOB_PROCESSING, i % 2 ? "shared" : id, &stored);

	int lost = catalog_commit(catalog);

	if (!err && !lost && i % 7 == number)
		err = jobs_mark_deleted(catalog, stored.row);
	return err ? err : lost;
}

/*
 * One of several mounts: writes some jobs of its own and some that the others write, too.
 * On a busy machine the transactions of the others may take longer than the busy timeout,
 * so it retries.
 */
static void be_a_mount(struct catalog_fixture *fixture, int number)
{
	/* A failed assertion must end this child process, and run no other test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);

	struct catalog *catalog = fixture_open(fixture, 2000);

	for (int i = 0; i < ROUNDS; i++) {
		int64_t end_ms = now_ms() + END_MS;

		while (write_round(catalog, number, i) < 0)
			assert_true(now_ms() < end_ms);
	}
	catalog_close(catalog);
}

/* Returns the number of messages with `words`, except about waiting in vain. */
static int messages_of_others(struct catalog_fixture *fixture, const char *words)
{
	char captured_text[8192];
	ssize_t len = pread(
		fileno(fixture->captured), captured_text, sizeof(captured_text) - 1, 0);
	char *rest = captured_text;
	char *line;
	int lines = 0;

	assert_true(len >= 0);
	captured_text[len] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (*line && !strstr(line, "database is locked")) {
			assert_non_null(strstr(line, words));
			lines++;
		}
	return lines;
}

/*
 * Several mounts start at once without a file, or with a damaged one, and write at once:
 * no job is missing, none is duplicated, and the totals are correct.
 */
static void race(struct catalog_fixture *fixture)
{
	pid_t pids[MOUNTS];

	for (int i = 0; i < MOUNTS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			be_a_mount(fixture, i);
			_exit(0);
		}
	}
	for (int i = 0; i < MOUNTS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	fixture_assert_sums(fixture);
	assert_int_equal(fixture_sql(fixture,
				 "SELECT count(*) FROM jobs WHERE id NOT LIKE 'all%'"),
		MOUNTS * ROUNDS);
	assert_int_equal(
		fixture_sql(fixture, "SELECT count(DISTINCT id) = count(*) FROM jobs"),
		1);
	assert_int_equal(
		fixture_sql(fixture, "SELECT count(*) FROM pragma_integrity_check"
				     " WHERE integrity_check <> 'ok'"),
		0);
}

static void test_spec_7_4_race(void **state)
{
	struct catalog_fixture *fixture = *state;

	race(fixture);
	assert_int_equal(messages_of_others(fixture, ""), 0);
}

/* If several mounts find damage, one sets the file aside; all use the new one. */
static void test_spec_7_4_race_for_a_damaged_one(void **state)
{
	struct catalog_fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	fputs("This is not a database, nor was it ever one.", file);
	assert_int_equal(fclose(file), 0);
	race(fixture);
	assert_int_equal(messages_of_others(fixture, "renamed to"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_spec_7_4_shared),
		FIXTURE_TEST(test_spec_7_3_changed_by_the_other),
		FIXTURE_TEST(test_a_busy_one),
		FIXTURE_TEST(test_locked),
		FIXTURE_TEST(test_reading),
		FIXTURE_TEST(test_locked_for_reading),
		FIXTURE_TEST(test_reading_does_not_wait),
		FIXTURE_TEST(test_open_while_locked),
		FIXTURE_TEST(test_directory_kept_locked),
		FIXTURE_TEST(test_spec_7_4_race),
		FIXTURE_TEST(test_spec_7_4_race_for_a_damaged_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
