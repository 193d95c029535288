/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cmocka.h"

#include "gladia/attributes.h"

/* gladia/facts.h: what extended attributes show (SEMANTICS 5.5). */

static const char text[] = "{\n"
			   "  \"id\": \"a\",\n"
			   "  \"status\": \"done\",\n"
			   "  \"error_code\": null,\n"
			   "  \"kind\": \"say \\\"pre\\\", \\\\ \xc3\xab\",\n"
			   "  \"custom_metadata\": {\n"
			   "    \"status\": \"mine\",\n"
			   "    \"list\": [\n"
			   "      1,\n"
			   "      \"}, {\"\n"
			   "    ]\n"
			   "  },\n"
			   "  \"strange \\\"status\\\": \": 1,\n"
			   "  \"file\": {\n"
			   "    \"filename\": \"a, b.mp3\",\n"
			   "    \"source\": null,\n"
			   "    \"status\": \"not this\",\n"
			   "    \"audio_duration\": 1.4904600000000001,\n"
			   "    \"number_of_channels\": 1e0\n"
			   "  },\n"
			   "  \"result\": {\n"
			   "    \"filename\": \"nor this\",\n"
			   "    \"file\": {\n"
			   "      \"filename\": \"nor that\"\n"
			   "    }\n"
			   "  },\n"
			   "  \"filename\": \"no\",\n"
			   "  \"completed_at\": \"\\ud800\",\n"
			   "  \"created_at\": \"x\\u0000y\",\n"
			   "  \"request_id\": \"\"\n"
			   "}\n";

static const struct {
	const char *name;
	const char *value; /* NULL: it is not there */
} wanted[JOB_ATTRIBUTES] = {
	{"id", "a"},
	{"request_id", ""},
	{"kind", "say \"pre\", \\ \xc3\xab"},
	{"status", "done"},
	{"created_at", "x\\u0000y"},
	{"completed_at", "\\ud800"},
	{"error_code", NULL},
	{"custom_metadata", "{\"status\": \"mine\",\"list\": [1,\"}, {\"]}"},
	{"filename", "a, b.mp3"},
	{"source", NULL},
	{"audio_duration", "1.4904600000000001"},
	{"number_of_channels", "1e0"},
};

static void assert_fact(
	const struct job_attributes *facts, const char *name, const char *value)
{
	int fact = job_attribute_find(name);

	assert_true(fact >= 0);
	assert_string_equal(job_attribute_name(fact), name);
	assert_int_equal(job_attribute_is_there(facts, fact), value != NULL);
	if (!value)
		return;
	assert_int_equal(facts->values[fact].len, strlen(value));
	assert_memory_equal(facts->values[fact].data ? facts->values[fact].data : "",
		value, strlen(value));
}

/* SEMANTICS 5.5, however the text comes in. */
static void facts_are_read_in_parts(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		struct job_attributes facts;

		job_attributes_init(&facts);
		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			size_t left = sizeof(text) - 1 - at;

			assert_int_equal(job_attributes_feed(&facts, text + at,
						 left < step ? left : step),
				0);
		}
		for (size_t i = 0; i < JOB_ATTRIBUTES; i++)
			assert_fact(&facts, wanted[i].name, wanted[i].value);
		job_attributes_done(&facts);
	}
}

static void feed(struct job_attributes *facts, const char *part)
{
	assert_int_equal(job_attributes_feed(facts, part, strlen(part)), 0);
}

/* SEMANTICS 11.3: a value is of limited length; what follows it is read. */
static void what_is_too_long_is_left_out(void **state)
{
	static char many[JOB_ATTRIBUTE_MAX + 1];
	struct job_attributes facts;

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	job_attributes_init(&facts);
	feed(&facts, "{\n  \"kind\": \"");
	feed(&facts, many);
	feed(&facts, "\",\n  \"custom_metadata\": {\n");
	for (int i = 0; i < 2; i++) {
		feed(&facts, "    \"a\": \"");
		job_attributes_feed(&facts, many, JOB_ATTRIBUTE_MAX / 2 + 100);
		feed(&facts, "\",\n");
	}
	feed(&facts, "    \"b\": 1\n  },\n  \"status\": \"done\"\n}\n");
	assert_fact(&facts, "kind", NULL);
	assert_fact(&facts, "custom_metadata", NULL);
	assert_fact(&facts, "status", "done");
	job_attributes_done(&facts);
}

/* A job may lack all of it, or have it otherwise. */
static void odd_jobs(void **state)
{
	struct job_attributes facts;

	(void)state;
	job_attributes_init(&facts);
	feed(&facts, "{\n  \"file\": null,\n  \"custom_metadata\": {},\n"
		     "  \"kind\": [\n    true\n  ],\n  \"error_code\": false,\n"
		     "  \"status\": \"queued\",\n  \"status\": null\n}\n");
	assert_fact(&facts, "filename", NULL);
	assert_fact(&facts, "custom_metadata", "{}");
	assert_fact(&facts, "kind", "[true]");
	assert_fact(&facts, "error_code", "false");
	assert_fact(&facts, "status", NULL);
	assert_int_equal(job_attribute_find("stat"), -1);
	assert_int_equal(job_attribute_find(""), -1);
	job_attributes_done(&facts);
}

/* Memory for values comes from here (the linker's --wrap), until none is left. */
static unsigned left = UINT_MAX;

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
	return left && left-- ? __real_realloc(pointer, size) : NULL;
}

/* SEMANTICS 5.5: a lack of memory is an error, and no value is cut or left out for it. */
static void values_are_read_without_memory(void **state)
{
	unsigned refused = 0;
	int err = -ENOMEM;

	(void)state;
	for (unsigned given = 0; err; given++) {
		struct job_attributes facts;

		job_attributes_init(&facts);
		left = given;
		err = job_attributes_feed(&facts, text, strlen(text));
		left = UINT_MAX;
		if (err) {
			assert_int_equal(err, -ENOMEM);
			refused++;
		}
		for (size_t i = 0; !err && i < JOB_ATTRIBUTES; i++)
			assert_fact(&facts, wanted[i].name, wanted[i].value);
		job_attributes_done(&facts);
	}
	/* Each value but those that are empty, and the line being read. */
	assert_true(refused >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_read_in_parts),
		cmocka_unit_test(what_is_too_long_is_left_out),
		cmocka_unit_test(odd_jobs),
		cmocka_unit_test(values_are_read_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
