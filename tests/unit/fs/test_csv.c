/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/csv.h"

/* fs/csv.h: the lines of jobs.csv (SEMANTICS 8.2). */

#define FIXED                                                                   \
	"id,created_at,completed_at,status,error_code,filename,audio_duration," \
	"billing_time,channels,languages,speakers,words"

static struct job job_of(const char *id, int64_t created_ms)
{
	struct job job = {
		.status = JOB_DONE,
		.created_ms = created_ms,
		.completed_ms = JOB_NO_TIME,
	};

	strcpy(job.id, id);
	return job;
}

/* Facts of which only the file name is known. */
static const struct job_facts *named(const char *name)
{
	static struct job_facts facts;
	char text[256] = {0};

	strcpy(text, name);
	assert_true(job_facts_load(text, strlen(name) + JOB_FACTS, &facts));
	return &facts;
}

static void add(struct csv *csv, const char *id, int64_t created_ms, const char *name,
	const char *metadata)
{
	struct job job = job_of(id, created_ms);

	assert_int_equal(
		csv_add_job(csv, &job, named(name), metadata, strlen(metadata)), 0);
}

/* Frees the table; it must print these lines. */
static void assert_printed(struct csv *csv, const char *lines)
{
	struct buf out;

	buf_init(&out, CSV_TEXT_MAX);
	csv_sort(csv);
	assert_int_equal(csv_print_header(csv, &out), 0);
	for (size_t i = 0; i < csv_len(csv); i++)
		assert_int_equal(csv_print_row(csv, i, &out), 0);
	assert_string_equal(out.data, lines);
	buf_done(&out);
	csv_free(csv);
}

static void test_empty(void **state)
{
	(void)state;
	assert_printed(csv_new(), FIXED "\r\n");
}

static void test_all_columns(void **state)
{
	static const char text[] = "a.mp3\000404\0001.50\0003\0002\0en,fr\0002\00017\0de";
	struct job_facts facts;
	struct job job = job_of("some id", 0);
	struct csv *csv = csv_new();

	(void)state;
	job.completed_ms = 1700000000123;
	job.status = JOB_ERROR;
	assert_true(job_facts_load(text, sizeof(text), &facts));
	assert_int_equal(csv_add_job(csv, &job, &facts, "", 0), 0);
	assert_printed(csv,
		FIXED "\r\n"
		      "some id,1970-01-01T00:00:00.000Z,2023-11-14T22:13:20.123Z,error,"
		      "404,a.mp3,1.50,3,2,\"en,fr\",2,17\r\n");
}

/* How a file name is written. */
static const struct {
	const char *name;
	const char *cell;
} cells[] = {
	{"", ""},
	{"a b.mp3", "a b.mp3"},
	{"a,b", "\"a,b\""},
	{"say \"hi\"", "\"say \"\"hi\"\"\""},
	{"\"", "\"\"\"\""},
	{"two\nlines\r", "\"two\nlines\r\""},
	{" a", "\" a\""},
	{"a ", "\"a \""},
	{"Zo\xc3\xab", "Zo\xc3\xab"},
	{"a;b\tc", "a;b\tc"},
	{"C:\\u0022", "C:\\u0022"},
	/* The text is valid UTF-8, and a terminal can show it. */
	{"\xff"
	 "a\xc3",
		"\xef\xbf\xbd"
		"a\xef\xbf\xbd"},
	{"\xed\xa0\x80", "\xef\xbf\xbd"},
	{"\x1b[31m\x7f\xc2\x9b!", "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd!"},
	{"\xc2\xa0\xf0\x9f\x90\xb3", "\xc2\xa0\xf0\x9f\x90\xb3"},
	/* A formula has an apostrophe in front; a number has not. */
	{"=1+1", "'=1+1"},
	{"=a(\"b\",c)", "\"'=a(\"\"b\"\",c)\""},
	{"@a", "'@a"},
	{"-a.mp3", "'-a.mp3"},
	{"-", "'-"},
	{"+49 170", "'+49 170"},
	{"\ta", "'\ta"},
	{"\r=a", "\"'\r=a\""},
	{"\n=a", "\"'\n=a\""},
	{"-12.5", "-12.5"},
	{"-1e3", "-1e3"},
	{"-1e3+a", "'-1e3+a"},
	{"+1", "'+1"},
	{"a=1", "a=1"},
};

static void test_cells(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		struct csv *csv = csv_new();
		char lines[512];

		snprintf(lines, sizeof(lines),
			FIXED "\r\nx,1970-01-01T00:00:00.000Z,,done,,%s,,,,,,\r\n",
			cells[i].cell);
		add(csv, "x", 0, cells[i].name, "");
		assert_printed(csv, lines);
	}
}

#define ROW(id) id ",1970-01-01T00:00:00.001Z,,done,,,,,,,,"

static void test_metadata(void **state)
{
	struct csv *csv = csv_new();

	(void)state;
	add(csv, "a", 1, "", "\nuser=John%20Doe\n");
	add(csv, "b", 1, "", "");
	add(csv, "c", 1, "", "\ntags=x\ntags=y%2Cz\norder=7\n");
	add(csv, "d", 1, "", "\ntags=x\nuser=%3D1\ntags=x\nZo%C3%AB=1\n");
	add(csv, "e", 1, "", "\n%3Da=-7\n");
	assert_printed(csv, FIXED
		",'=a,Zo\xc3\xab,order,tags,user\r\n" ROW("a") ",,,,,John Doe\r\n" ROW("b") ",,,,,\r\n" ROW(
			"c") ",,,7,\"x,y,z\",\r\n" ROW("d") ",,1,,"
							    "\"x,"
							    "x\",'="
							    "1\r"
							    "\n" ROW("e") ",-7,,,,\r\n");
}

/* No two columns have the same name. */
static void test_keys_that_are_fixed_columns(void **state)
{
	struct csv *csv = csv_new();

	(void)state;
	add(csv, "a", 1, "", "\nid=1\nwords=2\ncustom_metadata.id=3\nID=4\n");
	assert_printed(csv,
		FIXED ",ID,custom_metadata.id,custom_metadata.custom_metadata.id,"
		      "custom_metadata.words\r\n" ROW("a") ",4,3,1,2\r\n");
}

static void test_newest_first(void **state)
{
	static const struct {
		const char *id;
		int64_t created_ms;
	} jobs[] = {{"c", 2}, {"d", 1}, {"f", JOB_NO_TIME}, {"a", 3}, {"e", 1}, {"b", 3}};
	struct csv *csv = csv_new();
	struct buf out;
	char ids[ARRAY_SIZE(jobs) + 1] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		add(csv, jobs[i].id, jobs[i].created_ms, "", "");
	csv_sort(csv);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		buf_init(&out, CSV_TEXT_MAX);
		assert_int_equal(csv_print_row(csv, i, &out), 0);
		ids[i] = out.data[0];
		buf_done(&out);
	}
	assert_string_equal(ids, "abcdef");
	csv_free(csv);
}

static void test_too_many_keys(void **state)
{
	struct csv *csv = csv_new();
	struct job job = job_of("a", 0);
	char pair[32];
	int err = 0;
	int keys = 0;

	(void)state;
	for (; !err && keys <= CSV_KEYS_MAX; keys++) {
		snprintf(pair, sizeof(pair), "\nkey%d=1\n", keys);
		err = csv_add_job(csv, &job, named(""), pair, strlen(pair));
	}
	assert_int_equal(err, -EFBIG);
	assert_int_equal(keys, CSV_KEYS_MAX + 1);
	csv_free(csv);
}

static void test_too_large(void **state)
{
	enum { FEW = 40 };
	struct csv *csv = csv_new();
	struct buf out;
	int err = 0;

	(void)state;
	buf_init(&out, FEW);
	add(csv, "a", 0, "", "");
	assert_int_equal(csv_print_header(csv, &out), -EFBIG);
	buf_reset(&out);
	assert_int_equal(csv_print_row(csv, 0, &out), -EFBIG);
	buf_done(&out);
	for (int64_t i = 0; !err; i++) {
		struct job job = job_of("a", i);

		assert_true(i < CSV_TEXT_MAX);
		err = csv_add_job(csv, &job,
			named("200 bytes ______________________"
			      "________________________________"
			      "________________________________"
			      "________________________________"
			      "________________________________"
			      "________________________________"),
			"", 0);
	}
	assert_int_equal(err, -EFBIG);
	csv_free(csv);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_all_columns),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_keys_that_are_fixed_columns),
		cmocka_unit_test(test_newest_first),
		cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
