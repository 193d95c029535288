/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/job_internal.h"

/* Heads of jobs: SEMANTICS 3.6 (ids), 4.3, 5.1 (times), 7.1 (finished). */

/* 2026-04-01T12:34:56.789Z and a second later. */
#define CREATED   INT64_C(1775046896789)
#define COMPLETED INT64_C(1775046897789)

/* Parses a copy without a NUL after it, so that ASan and valgrind detect an overread. */
static int parse(const char *text, size_t len, struct job *job)
{
	char *copy = malloc(len ? len : 1);
	struct json_slice metadata;

	assert_non_null(copy);
	memcpy(copy, text, len);

	int err = job_parse_head(copy, len, job, &metadata);

	free(copy);
	return err;
}

static const struct {
	const char *head;
	struct job job;
} heads[] = {
	{"{\"id\":\"a\",\"request_id\":\"G-a\",\"version\":2,\"status\":\"done\","
	 "\"created_at\":\"2026-04-01T12:34:56.789Z\","
	 "\"completed_at\":\"2026-04-01T12:34:57.789Z\",\"result\":null}",
		{"a", JOB_DONE, CREATED, COMPLETED}},
	{"\n{ \"completed_at\" : null ,\t\"status\":\"queued\",\"id\" : \"b\" } ",
		{"b", JOB_QUEUED, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"c\"}", {"c", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	/* Values of the wrong type and unknown words count as absent. */
	{"{\"id\":\"d\",\"status\":7,\"created_at\":1775046896789,\"completed_at\":{}}",
		{"d", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"e\",\"status\":[\"done\"],\"created_at\":\"yesterday\","
	 "\"completed_at\":\"2026-02-30T00:00:00.000Z\"}",
		{"e", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"f\",\"status\":\"cancelled\",\"created_at\":null}",
		{"f", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"g\",\"status\":\"Done\"}",
		{"g", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"h\",\"status\":\"done\\u0000\"}",
		{"h", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	/*
	 * Names are case-sensitive, nested members do not count, and of duplicates the
	 * last one counts.
	 */
	{"{\"ID\":\"x\",\"id\":\"i\",\"Status\":\"done\",\"Created_At\":\"2026-04-01\"}",
		{"i", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"file\":{\"id\":\"x\",\"status\":\"done\"},\"id\":\"j\",\"a\":[{\"id\":1}]}",
		{"j", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":1,\"id\":\"x\",\"id\":\"k\",\"status\":\"done\",\"status\":\"error\"}",
		{"k", JOB_ERROR, JOB_NO_TIME, JOB_NO_TIME}},
	/* Ids are bytes without a meaning. */
	{"{\"id\":\"../../etc\"}", {"../../etc", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"a/b\"}", {"a/b", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"a\\/b\\n\\\\u0000\\\"\"}",
		{"a/b\n\\u0000\"", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"\\u0069d\":\"\\u00eb\\ud83d\\ude00\"}",
		{"\xc3\xab\xf0\x9f\x98\x80", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	/* The key "id" followed by a NUL is another key. */
	{"{\"id\":\"l\",\"id\\u0000x\":\"x\"}",
		{"l", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	/* Values in custom_metadata that cJSON would refuse. */
	{"{\"id\":\"m\",\"custom_metadata\":{\"a\":\"\\ud800\",\"b\":\"\\u0000\"}}",
		{"m", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"id\":\"n\",\"big\":1234567890123456789012345678901234567890123456789012345"
	 "6789012345678901234567890}",
		{"n", JOB_OTHER, JOB_NO_TIME, JOB_NO_TIME}},
	{"{\"a\":\"}\\\"]\",\"id\":\"o\",\"status\":\"processing\"}",
		{"o", JOB_PROCESSING, JOB_NO_TIME, JOB_NO_TIME}},
};

static void test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		const struct job *wanted = &heads[i].job;
		struct job job;

		if (parse(heads[i].head, strlen(heads[i].head), &job))
			fail_msg("refused: %s", heads[i].head);
		assert_string_equal(job.id, wanted->id);
		assert_int_equal(job.status, wanted->status);
		assert_int_equal(job.created_ms, wanted->created_ms);
		assert_int_equal(job.completed_ms, wanted->completed_ms);
	}
}

/*
 * SEMANTICS 4.3: a head that is no object or has no string as id is refused. SEMANTICS
 * 3.6: so are ids that cannot be names.
 */
static void test_refused(void **state)
{
	static const struct {
		const char *head;
		int error;
	} refused[] = {
		{"", -EBADMSG},
		{"null", -EBADMSG},
		{"[{\"id\":\"a\"}]", -EBADMSG},
		{"\"id\"", -EBADMSG},
		{"{}", -EBADMSG},
		{"{\"status\":\"done\"}", -EBADMSG},
		{"{\"ID\":\"a\"}", -EBADMSG},
		{"{\"id\":1}", -EBADMSG},
		{"{\"id\":null}", -EBADMSG},
		{"{\"id\":[\"a\"]}", -EBADMSG},
		{"{\"id\":\"a\",\"id\":null}", -EBADMSG},
		{"{\"id\":\"a\"", -EBADMSG},
		{"{\"id\":\"a\",}", -EBADMSG},
		{"{\"id\" \"a\"}", -EBADMSG},
		{"{id:\"a\"}", -EBADMSG},
		{"{\"id\":\"a", -EBADMSG},
		{"{\"id\":\"a\",\"b\":[", -EBADMSG},
		{"{\"id\":\"a\",\"b\":", -EBADMSG},
		{"{\"id\":\"\"}", -EINVAL},
		{"{\"id\":\"\\u0000\"}", -EINVAL},
		{"{\"id\":\"a\\u0000b\"}", -EINVAL},
		{"{\"id\":\"a\\\\\\u0000b\"}", -EINVAL},
		{"{\"id\":\"a\\ud800\"}", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct job job = {.id = "as it was"};
		int err = parse(refused[i].head, strlen(refused[i].head), &job);

		if (err != refused[i].error)
			fail_msg("%d for %s", err, refused[i].head);
		assert_string_equal(job.id, "as it was");
	}
}

/*
 * Counts the allocations of job.c (the linker's --wrap). There must be none: a lack of
 * memory must not leave out or change a job.
 */
static unsigned asked;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	asked++;
	return __real_malloc(size);
}

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
	asked++;
	return __real_realloc(pointer, size);
}

/* SEMANTICS 6.1: parsing allocates no memory. */
static void test_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct json_slice metadata;
		struct job job;

		asked = 0;
		(void)job_parse_head(
			heads[i].head, strlen(heads[i].head), &job, &metadata);
		assert_int_equal(asked, 0);
	}
}

/* JSON does not allow a raw NUL byte, and a C string would hide it. */
static void test_raw_nul(void **state)
{
	static const char head[] = "{\"id\":\"a\0b\"}";
	struct job job;

	(void)state;
	assert_int_equal(parse(head, sizeof(head) - 1, &job), -EINVAL);
}

/*
 * SEMANTICS 11.3.3, 3.6: an id whose name would be longer than NAME_MAX is refused, never
 * truncated.
 */
static void test_long_ids(void **state)
{
	static const struct {
		const char *unit;
		unsigned count;
		int error;
	} ids[] = {
		{"a", 250, 0},
		{"a", 251, -ENAMETOOLONG},
		{"a", 300, -ENAMETOOLONG},
		{"a", 100000, -ENAMETOOLONG},
		{"/", 83, 0},
		{"/", 84, -ENAMETOOLONG},
		{"\\n", 83, 0},
		{"\\n", 84, -ENAMETOOLONG},
		{"\\n", 5000, -ENAMETOOLONG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		size_t unit = strlen(ids[i].unit);
		char *head = malloc(unit * ids[i].count + 16);
		struct job job;

		assert_non_null(head);
		char *end = stpcpy(head, "{\"id\":\"");
		for (unsigned n = 0; n < ids[i].count; n++)
			end = stpcpy(end, ids[i].unit);
		end = stpcpy(end, "\"}");
		assert_int_equal(parse(head, (size_t)(end - head), &job), ids[i].error);
		free(head);
	}
}

/* A truncated head is refused, and nothing beyond its end is read. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		size_t end = (size_t)(strrchr(heads[i].head, '}') - heads[i].head);

		for (size_t len = 0; len <= end; len++) {
			struct job job;

			assert_int_equal(parse(heads[i].head, len, &job), -EBADMSG);
		}
	}
}

/* SEMANTICS 3.1: the names in status/. */
static void test_status_words(void **state)
{
	static const char *const words[JOB_STATUSES] = {
		"queued", "processing", "done", "error"};

	(void)state;
	for (unsigned i = 0; i < JOB_STATUSES; i++) {
		enum job_status status = (enum job_status)i;

		assert_string_equal(job_status_name(status), words[i]);
		assert_int_equal(job_status_parse(words[i], strlen(words[i])), status);
	}
	assert_string_equal(job_status_name(JOB_OTHER), "other");
	assert_int_equal(job_status_parse("other", 5), JOB_OTHER);
	assert_int_equal(job_status_parse("", 0), JOB_OTHER);
	assert_int_equal(job_status_parse("done/x", 4), JOB_DONE);
	assert_int_equal(job_status_parse("done/x", 5), JOB_OTHER);
	assert_int_equal(job_status_parse("don", 3), JOB_OTHER);
}

/*
 * SEMANTICS 7.1: only done and failed jobs are finished; SEMANTICS 5.1: the time is
 * completed_at, else created_at.
 */
static void test_what_follows(void **state)
{
	struct job job = {"a", JOB_DONE, CREATED, COMPLETED};

	(void)state;
	assert_true(job_finished(&job));
	assert_int_equal(job_mtime_ms(&job), COMPLETED);
	job.status = JOB_ERROR;
	job.completed_ms = JOB_NO_TIME;
	assert_true(job_finished(&job));
	assert_int_equal(job_mtime_ms(&job), CREATED);
	job.created_ms = JOB_NO_TIME;
	assert_int_equal(job_mtime_ms(&job), 0);
	for (enum job_status status = JOB_QUEUED; status <= JOB_OTHER; status++) {
		job.status = status;
		assert_int_equal(
			job_finished(&job), status == JOB_DONE || status == JOB_ERROR);
	}
}

/* A string fits if there is room for it and its NUL. */
static void test_room_of_strings(void **state)
{
	static const char string[] = "\"a\\u00e9\"";
	static const char empty[] = "\"\"";
	struct json_slice value = {string, string + strlen(string)};
	char text[] = "unchanged";

	(void)state;
	assert_int_equal(job_string_decode(value, 3, text), -ENAMETOOLONG);
	assert_int_equal(job_string_decode(value, 4, text), 0);
	assert_string_equal(text, "a\xc3\xa9");
	value = (struct json_slice){empty, empty + strlen(empty)};
	assert_int_equal(job_string_decode(value, 0, text), -ENAMETOOLONG);
	assert_string_equal(text, "a\xc3\xa9");
	assert_int_equal(job_string_decode(value, 1, text), 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_raw_nul),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_status_words),
		cmocka_unit_test(test_what_follows),
		cmocka_unit_test(test_room_of_strings),
	};

	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
