/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "catalog_fixture.h"

/* Texts: reading at any offset, and eviction: SEMANTICS 7.3, 7.4, 11.3. */

enum { PIECE = 128 << 10, ROOM = 4 * PIECE };

/* Uses are recorded once in five minutes. */
enum { STEP_MS = 300000 };

/* Returns `size` bytes without NULs that differ by offset. */
static char *make_text(size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + (i * 7 + i / 251 + i / PIECE) % 26);
	text[size] = '\0';
	return text;
}

static void assert_read(struct catalog *catalog, const struct catalog_job *job,
	const char *text, uint64_t offset, size_t len)
{
	static char read[ROOM + 1];
	size_t size = strlen(text);
	size_t expected = offset < size ? size - (size_t)offset : 0;
	size_t got = SIZE_MAX;

	if (expected > len)
		expected = len;
	read[expected] = '#';
	assert_int_equal(texts_read(catalog, job, offset, read, len, &got), 0);
	assert_int_equal(got, expected);
	if (expected)
		assert_memory_equal(read, text + offset, expected);
	assert_int_equal(read[expected], '#');
}

/* A text can be read whole, in parts, across chunk boundaries, and past its end. */
static void test_read(void **state)
{
	static const size_t sizes[] = {
		0, 1, 5, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 5};
	static const uint64_t offsets[] = {0, 1, 4, 5, 6, PIECE - 1, PIECE, PIECE + 1,
		2 * PIECE - 3, 2 * PIECE, 3 * PIECE, 3 * PIECE + 4, 3 * PIECE + 5,
		1ull << 32, 1ull << 62, UINT64_MAX};
	static const size_t lens[] = {0, 1, 2, 4096, PIECE, PIECE + 2, ROOM};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *text = make_text(sizes[i]);
		char id[32];

		snprintf(id, sizeof(id), "%zu", sizes[i]);

		struct catalog_job job = fixture_put(catalog, id, JOB_DONE, text);

		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++)
			for (size_t k = 0; k < ARRAY_SIZE(lens); k++)
				assert_read(catalog, &job, text, offsets[j], lens[k]);
		free(text);
	}
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* A difference is found at any offset. */
static void test_compare(void **state)
{
	static const size_t places[] = {
		0, PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 9};
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct job job = fixture_job("a", JOB_DONE);
	char *text = make_text(2 * PIECE + 10);

	fixture_put_as(catalog, &job, text, CATALOG_NEW);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct catalog_job put = fixture_put_as(
			catalog, &job, text, CATALOG_SAME);

		assert_read(catalog, &put, text, 0, ROOM);
		text[places[i]] = '.';
		put = fixture_put_as(catalog, &job, text, CATALOG_CHANGED);
		assert_read(catalog, &put, text, 0, ROOM);
	}
	free(text);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* SEMANTICS 7.3: a text is read by the node number that was requested, or not at all. */
static void test_spec_7_3_stale(void **state)
{
	struct catalog *catalog = fixture_open(*state, FIXTURE_NO_MAX);
	struct catalog_job old = fixture_put(catalog, "a", JOB_PROCESSING, "old");
	struct catalog_job new = fixture_put(catalog, "a", JOB_DONE, "new");
	struct catalog_job unknown = {.row = 77, .node = old.node};
	struct catalog_job summary = fixture_put(catalog, "b", JOB_DONE, NULL);
	char bytes[4] = "###";
	size_t len = 42;

	assert_int_equal(texts_read(catalog, &old, 0, bytes, 3, &len), -ESTALE);
	assert_int_equal(texts_read(catalog, &unknown, 0, bytes, 3, &len), -ESTALE);
	assert_int_equal(texts_read(catalog, &summary, 0, bytes, 3, &len), -ENODATA);
	assert_string_equal(bytes, "###");
	assert_int_equal(len, 42);
	assert_int_equal(texts_read(catalog, &new, 0, bytes, 3, &len), 0);
	assert_string_equal(bytes, "new");
	catalog_close(catalog);
}

static bool is_cached(struct catalog *catalog, const char *id)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_id(catalog, id, &job), 0);
	return job.has_text;
}

/*
 * SEMANTICS 7.4.2: the least recently used texts are evicted; other texts and all jobs
 * stay.
 */
static void test_spec_7_4_eviction(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 30);
	struct catalog_job a = fixture_put(catalog, "a", JOB_DONE, "aaaaaaaaaa");
	char byte;
	size_t len;

	fixture->now_ms += STEP_MS;
	fixture_put(catalog, "b", JOB_DONE, "bbbbbbbbbb");
	fixture->now_ms += STEP_MS;
	fixture_put(catalog, "c", JOB_DONE, "cccccccccc");
	fixture->now_ms += STEP_MS;
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "a") && is_cached(catalog, "b"));

	/* Reading the oldest text makes another one the oldest. */
	assert_int_equal(texts_read(catalog, &a, 0, &byte, 1, &len), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_put(catalog, "d", JOB_DONE, "d");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "a") && !is_cached(catalog, "b"));
	assert_true(is_cached(catalog, "c") && is_cached(catalog, "d"));
	fixture_assert_totals(catalog, 4, 31);

	struct catalog_job b;

	assert_int_equal(jobs_by_id(catalog, "b", &b), 0);
	assert_int_equal(b.size, 10);
	assert_int_equal(texts_read(catalog, &b, 0, &byte, 1, &len), -ENODATA);
	/* Of texts last used at the same time, the first stored are evicted first. */
	fixture->now_ms += STEP_MS;
	fixture_put(catalog, "e", JOB_DONE, "eeeeeeeeeeeeeeeeeeee");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(!is_cached(catalog, "a") && !is_cached(catalog, "c"));
	assert_true(is_cached(catalog, "d") && is_cached(catalog, "e"));
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4.11: a text that was retired is evicted before texts used within the last
 * week, and after older ones. If it is read again, it is like any other text.
 */
static void test_spec_7_4_retired(void **state)
{
	enum { DAY_MS = 24 * 3600 * 1000 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 40);
	char byte;
	size_t len;

	fixture_put(catalog, "old", JOB_DONE, "0123456789");
	fixture->now_ms += 5 * DAY_MS;
	fixture_put(catalog, "recent", JOB_DONE, "0123456789");
	fixture->now_ms += 3 * DAY_MS;

	struct catalog_job first = fixture_put(catalog, "first", JOB_DONE, "0123456789");
	struct catalog_job second = fixture_put(
		catalog, "second", JOB_DONE, "0123456789");

	texts_retire(catalog, first.row);
	texts_retire(catalog, second.row);
	assert_int_equal(texts_read(catalog, &second, 0, &byte, 1, &len), 0);
	for (const char *id = "abc"; *id; id++) {
		fixture->now_ms++;
		fixture_put(catalog, (char[]){*id, '\0'}, JOB_DONE, "0123456789");
		assert_int_equal(catalog_commit(catalog), 0);
		assert_false(is_cached(catalog, "old"));
		assert_true(is_cached(catalog, "first") == (*id < 'b'));
		assert_true(is_cached(catalog, "recent") == (*id < 'c'));
		assert_true(is_cached(catalog, "second"));
	}
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* A retired text was used now, although the table says otherwise. */
static void test_retired_and_dropped(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 10);
	struct catalog_job job = fixture_put(catalog, "a", JOB_DONE, "0123456789");

	texts_retire(catalog, job.row);
	fixture_put(catalog, "b", JOB_DONE, "0123456789");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_false(is_cached(catalog, "a"));
	assert_true(catalog_dropped_ms(catalog) >= fixture->now_ms);
	catalog_close(catalog);
}

/* Texts of unfinished jobs are not retired, and evicted ones do not seem cached. */
static void test_not_retired(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 10);
	struct catalog_job evicted = fixture_put(catalog, "a", JOB_DONE, "0123456789");
	struct catalog_job unfinished = fixture_put(
		catalog, "b", JOB_PROCESSING, "0123456789");

	assert_int_equal(catalog_commit(catalog), 0);
	texts_retire(catalog, evicted.row);
	texts_retire(catalog, unfinished.row);
	fixture->now_ms++;
	fixture_put(catalog, "c", JOB_DONE, "0123456789");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_false(is_cached(catalog, "a"));
	assert_true(is_cached(catalog, "b"));
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.4.13: while texts wait for a reader, they exceed the maximum instead of
 * displacing others.
 */
static void test_spec_7_4_headroom(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 10);
	struct catalog_job waits;

	fixture_put(catalog, "stays", JOB_DONE, "0123456789");
	catalog_set_headroom(catalog, 10);
	fixture->now_ms++;
	waits = fixture_put(catalog, "waits", JOB_DONE, "0123456789");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "stays") && is_cached(catalog, "waits"));
	/* One of them will not stay. */
	assert_int_equal(catalog_dropped_ms(catalog), fixture->now_ms);
	texts_retire(catalog, waits.row);
	catalog_set_headroom(catalog, 0);
	assert_true(catalog_has_excess(catalog));
	catalog_trim(catalog);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "stays") && !is_cached(catalog, "waits"));
	catalog_set_headroom(catalog, UINT64_MAX);
	fixture_put(catalog, "more", JOB_DONE, "0123456789");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "stays"));
	catalog_close(catalog);
}

/*
 * SEMANTICS 7.3: texts of unfinished jobs are evicted last. Once evicted, a text cannot
 * be compared with the next one fetched, so the version would increase and readers would
 * get ESTALE without any change.
 */
static void test_spec_7_3_unfinished_go_last(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 30);
	struct job job = fixture_job("a", JOB_PROCESSING);

	fixture_put(catalog, "a", JOB_PROCESSING, "aaaaaaaaaa");
	for (const char *id = "bcd"; *id; id++) {
		fixture->now_ms += STEP_MS;
		fixture_put(catalog, (char[]){*id, '\0'}, JOB_DONE, "0123456789");
		assert_int_equal(catalog_commit(catalog), 0);
	}
	assert_true(is_cached(catalog, "a") && !is_cached(catalog, "b"));
	assert_true(is_cached(catalog, "c") && is_cached(catalog, "d"));
	fixture_put_as(catalog, &job, "aaaaaaaaaa", CATALOG_SAME);
	/* Once the job is finished, its text is evicted like others. */
	job = fixture_job("a", JOB_DONE);
	fixture_put_as(catalog, &job, "AAAAAAAAAA", CATALOG_CHANGED);
	for (const char *id = "efg"; *id; id++) {
		fixture->now_ms += STEP_MS;
		fixture_put(catalog, (char[]){*id, '\0'}, JOB_DONE, "0123456789");
		assert_int_equal(catalog_commit(catalog), 0);
	}
	assert_false(is_cached(catalog, "a"));
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* SEMANTICS 7.4: texts used within the same second can be evicted, too. */
static void test_spec_7_4_eviction_within_a_second(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 10);

	fixture_put(catalog, "a", JOB_DONE, NULL);
	fixture_put(catalog, "b", JOB_DONE, "bbbbbbbbbb");
	fixture->now_ms++;
	fixture_put(catalog, "a", JOB_DONE, "aaaaaaaaaa");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "a") && !is_cached(catalog, "b"));
	catalog_close(catalog);
}

/* SEMANTICS 7.4: the last text stays, otherwise a long one could never be read. */
static void test_spec_7_4_last_stays(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, 0);

	fixture_put(catalog, "a", JOB_DONE, "aaa");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "a"));
	fixture_put(catalog, "b", JOB_DONE, "b");
	fixture_put(catalog, "c", JOB_DONE, "c");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(!is_cached(catalog, "a") && !is_cached(catalog, "b"));

	struct catalog_job c;

	assert_int_equal(jobs_by_id(catalog, "c", &c), 0);
	fixture_assert_text(catalog, &c, "c");
	fixture_assert_sums(fixture);
	catalog_close(catalog);
}

/* A lowered maximum is reached in steps: no commit takes long. */
static void test_lowered_maximum(void **state)
{
	enum { TEXTS = 80 };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	char *text = fixture_noise(1 << 20);
	int commits = 0;

	for (int i = 0; i < TEXTS; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%d", i);
		fixture_put(catalog, id, JOB_DONE, text);
	}
	catalog_close(catalog);
	free(text);
	catalog = fixture_open(fixture, 1 << 20);
	for (; fixture_sql(fixture, "SELECT text_bytes FROM totals") > 1 << 20;
		commits++) {
		char id[32];

		assert_true(commits < 100);
		snprintf(id, sizeof(id), "new %d", commits);
		fixture_put(catalog, id, JOB_DONE, "x");
		assert_int_equal(catalog_commit(catalog), 0);
		assert_true(is_cached(catalog, id));
		fixture_assert_sums(fixture);
	}
	assert_in_range(commits, 10, 25);
	catalog_close(catalog);
}

/* Reading rarely writes: a use is recorded once in five minutes. */
static void test_use_is_noted_coarsely(void **state)
{
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
	struct catalog_job job = fixture_put(catalog, "a", JOB_DONE, "text");

	assert_int_equal(catalog_commit(catalog), 0);
	fixture->now_ms += STEP_MS - 1000;
	fixture_assert_text(catalog, &job, "text");
	/* The read took no write lock, so others can write. */
	fixture_sql(fixture, "BEGIN IMMEDIATE");
	assert_int_equal(fixture_sql(fixture, "SELECT used FROM jobs"), FIXTURE_START_MS);
	fixture->now_ms += 1000;
	fixture_assert_text(catalog, &job, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(fixture_sql(fixture, "SELECT used FROM jobs"), fixture->now_ms);
	catalog_close(catalog);
}

/* An incomplete text is damage, never returned as a partial file (SEMANTICS 4.3). */
static void test_damaged_text(void **state)
{
	static const char *const damages[] = {
		"DELETE FROM chunks WHERE chunk % 8192 = 0",
		"DELETE FROM chunks WHERE chunk % 8192 = 1",
		"UPDATE chunks SET chunk = chunk + 7 WHERE chunk % 8192 = 2",
		"UPDATE chunks SET data = x'41' WHERE chunk % 8192 = 0",
		"UPDATE chunks SET data = x'41' WHERE chunk % 8192 = 2",
		"UPDATE chunks SET data = x''",
		/* Not a frame; one that is cut short; one that claims a gibibyte. */
		"UPDATE chunks SET data = x'01414141414141414141'",
		"UPDATE chunks SET data = substr(data, 1, length(data) - 1)",
		("UPDATE chunks SET "
		 "data = x'0128B52FFDA000000040020010780200107803001078'"),
		"UPDATE jobs SET size = size + 1",
	};
	static char read[ROOM];
	struct catalog_fixture *fixture = *state;
	char *text = make_text(2 * PIECE + 100);

	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		struct catalog *catalog = fixture_open(fixture, FIXTURE_NO_MAX);
		struct catalog_job job = fixture_put(catalog, "a", JOB_DONE, text);
		size_t len = 42;

		assert_int_equal(catalog_commit(catalog), 0);
		fixture_sql(fixture, damages[i]);
		assert_int_equal(
			texts_read(catalog, &job, 0, read, sizeof(read), &len), -EIO);
		assert_int_equal(len, 42);
		assert_int_equal(fixture_messages(fixture, "renamed to"), 2);
		catalog_close(catalog);
	}
	free(text);
}

/* SEMANTICS 7.4.2: the size of a text is what it takes in the database, compressed. */
static void test_spec_7_4_compressed(void **state)
{
	enum { TEXTS = 20, SIZE = 3 * PIECE };
	struct catalog_fixture *fixture = *state;
	struct catalog *catalog = fixture_open(fixture, SIZE);
	char *text = make_text(SIZE);
	char *noise = fixture_noise(SIZE);
	char id[32];

	for (int i = 0; i < TEXTS; i++, fixture->now_ms += STEP_MS) {
		snprintf(id, sizeof(id), "%d", i);
		fixture_put(catalog, id, JOB_DONE, text);
		assert_int_equal(catalog_commit(catalog), 0);
		fixture_assert_sums(fixture);
	}
	for (int i = 0; i < TEXTS; i++) {
		struct catalog_job job;

		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(jobs_by_id(catalog, id, &job), 0);
		assert_true(job.has_text);
		assert_read(catalog, &job, text, 0, SIZE);
	}
	fixture_assert_totals(catalog, TEXTS, (uint64_t)TEXTS * SIZE);
	assert_int_equal(jobs_erase(catalog, 3), 0);
	assert_int_equal(catalog_commit(catalog), 0);
	fixture_assert_sums(fixture);
	/* A text that does not get smaller takes nearly all of the space. */
	fixture_put(catalog, "noise", JOB_DONE, noise);
	assert_int_equal(catalog_commit(catalog), 0);
	assert_true(is_cached(catalog, "noise") && !is_cached(catalog, "0"));
	fixture_assert_sums(fixture);
	catalog_close(catalog);
	free(noise);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_read),
		FIXTURE_TEST(test_compare),
		FIXTURE_TEST(test_spec_7_3_stale),
		FIXTURE_TEST(test_spec_7_4_eviction),
		FIXTURE_TEST(test_spec_7_4_retired),
		FIXTURE_TEST(test_retired_and_dropped),
		FIXTURE_TEST(test_not_retired),
		FIXTURE_TEST(test_spec_7_4_headroom),
		FIXTURE_TEST(test_spec_7_3_unfinished_go_last),
		FIXTURE_TEST(test_spec_7_4_eviction_within_a_second),
		FIXTURE_TEST(test_spec_7_4_last_stays),
		FIXTURE_TEST(test_lowered_maximum),
		FIXTURE_TEST(test_use_is_noted_coarsely),
		FIXTURE_TEST(test_damaged_text),
		FIXTURE_TEST(test_spec_7_4_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
