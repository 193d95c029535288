/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "gladia/attributes.h"

/* gladia/attributes.h: the values of extended attributes (SEMANTICS 5.5). */

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
	const char *value; /* NULL: there is no such attribute */
} wanted[JOB_ATTRIBUTES_IN_TEXT] = {
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

static void assert_value(
	const struct json_slice *values, const char *name, const char *value)
{
	int attribute = job_attribute_find(name);
	struct buf out;
	int err;

	assert_true(attribute >= 0);
	assert_string_equal(job_attribute_name(attribute), name);
	err = job_attribute_print(values[attribute], &out);
	assert_int_equal(err, value ? 0 : -ENODATA);
	if (err)
		return;
	assert_int_equal(out.len, strlen(value));
	assert_memory_equal(out.data ? out.data : "", value, strlen(value));
	buf_done(&out);
}

/* SEMANTICS 5.5: values are found. */
static void values_are_found(void **state)
{
	struct json_slice values[JOB_ATTRIBUTES_IN_TEXT];

	(void)state;
	job_attributes_read(text, strlen(text), values);
	for (size_t i = 0; i < JOB_ATTRIBUTES_IN_TEXT; i++)
		assert_value(values, wanted[i].name, wanted[i].value);
}

/*
 * SEMANTICS 11.3: a value that is too long is left out; values after it are still found.
 */
static void long_values_are_left_out(void **state)
{
	static char many[JOB_ATTRIBUTE_MAX + 1];
	static char job[4 * JOB_ATTRIBUTE_MAX];
	struct json_slice values[JOB_ATTRIBUTES_IN_TEXT];
	int len;

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	len = snprintf(job, sizeof(job),
		"{\n  \"kind\": \"%sx\",\n  \"created_at\": \"%s\",\n"
		"  \"custom_metadata\": {\n    \"a\": \"%.30000s\",\n"
		"    \"b\": \"%.30000s\"\n  },\n  \"status\": \"done\"\n}\n",
		many, many, many, many);
	assert_in_range(len, 1, sizeof(job) - 1);
	job_attributes_read(job, (size_t)len, values);
	assert_value(values, "kind", NULL);
	assert_value(values, "created_at", many);
	assert_value(values, "custom_metadata", NULL);
	assert_value(values, "status", "done");
}

/* SEMANTICS 5.5: attributes that are not in the text alone are facts. */
static void others_are_facts(void **state)
{
	static const struct {
		const char *name;
		enum job_fact fact;
	} others[] = {
		{"billing_time", JOB_BILLING_TIME},
		{"language", JOB_LANGUAGES},
		{"speakers", JOB_SPEAKERS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		int attribute = job_attribute_find(others[i].name);

		assert_in_range(attribute, JOB_ATTRIBUTES_IN_TEXT, JOB_ATTRIBUTES - 1);
		assert_string_equal(job_attribute_name(attribute), others[i].name);
		assert_int_equal(job_attribute_fact(attribute), others[i].fact);
	}
}

/* Members may be missing, or have unexpected types. */
static void odd_jobs(void **state)
{
	static const char job[] =
		"{\n  \"file\": null,\n  \"custom_metadata\": {},\n"
		"  \"kind\": [\n    true\n  ],\n  \"error_code\": false,\n"
		"  \"status\": \"queued\",\n  \"status\": null\n}\n";
	struct json_slice values[JOB_ATTRIBUTES_IN_TEXT];

	(void)state;
	job_attributes_read(job, strlen(job), values);
	assert_value(values, "filename", NULL);
	assert_value(values, "custom_metadata", "{}");
	assert_value(values, "kind", "[true]");
	assert_value(values, "error_code", "false");
	assert_value(values, "status", NULL);
	assert_int_equal(job_attribute_find("stat"), -1);
	assert_int_equal(job_attribute_find(""), -1);
}

/*
 * Number of allocations for values that succeed; later ones fail (the linker's --wrap).
 */
static unsigned left = UINT_MAX;

void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size)
{
	return left && left-- ? __real_realloc(pointer, size) : NULL;
}

/* SEMANTICS 5.5: running out of memory is an error: no value is truncated or left out. */
static void values_are_printed_without_memory(void **state)
{
	struct json_slice values[JOB_ATTRIBUTES_IN_TEXT];
	struct buf out;
	unsigned refused = 0;

	(void)state;
	job_attributes_read(text, strlen(text), values);
	for (size_t i = 0; i < JOB_ATTRIBUTES_IN_TEXT; i++) {
		int err;

		left = 0;
		err = job_attribute_print(values[i], &out);
		left = UINT_MAX;
		if (!err)
			buf_done(&out);
		refused += err == -ENOMEM;
	}
	/* All values are allocated except the empty one and the two that are null. */
	assert_int_equal(refused, JOB_ATTRIBUTES_IN_TEXT - 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found),
		cmocka_unit_test(long_values_are_left_out),
		cmocka_unit_test(others_are_facts),
		cmocka_unit_test(odd_jobs),
		cmocka_unit_test(values_are_printed_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
