/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"

/* gladia/api.h: fetching one job by id. */

#define ITEM(id)          "{\"id\":\"" id "\",\"status\":\"queued\"}"
#define PAGE(next, items) "{\"next\":" next ",\"items\":[" items "]}"

#define JOB_ID "45463597-20b7-4af7-b3b3-f5fb778203ab"

/* SEMANTICS 3.5, 4.1: one request returns one complete job. */
static void a_job_is_got_by_its_id(void **state)
{
	static const struct raw_route routes[] = {
		{"/v2/pre-recorded/" JOB_ID,
			BODY("{\"id\":\"" JOB_ID "\",\"status\":\"done\"}")},
		{"/v2/pre-recorded/a-Z_0.~%2F%3F%25%20%C3%AB%2B",
			BODY(ITEM("a-Z_0.~/?% \xc3\xab+"))},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_get(fixture, JOB_ID);

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, 0);
	assert_false(call->has_page);
	assert_string_equal(call->ids.data, JOB_ID " ");
	assert_string_equal(call->text.data,
		"{\n  \"id\": \"" JOB_ID "\",\n  \"status\": \"done\"\n}\n");
	/* A single job is never a summary: the API has no more than this. */
	assert_false(call->summary);

	call = fixture_get(fixture, "a-Z_0.~/?% \xc3\xab+");
	fixture_settle(call);
	assert_string_equal(call->why, "");
	assert_string_equal(call->ids.data, "a-Z_0.~/?% \xc3\xab+ ");
	fixture_free(fixture);
}

/* SEMANTICS 1.11: all calls are about live sessions if the client is for them. */
static void live_sessions_have_their_own_path(void **state)
{
	static const struct raw_route routes[] = {
		{"/v2/live?offset=0&limit=20", BODY(PAGE("null", ITEM("a")))},
		{"/v2/live/a", BODY(ITEM("a"))}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	const struct api_config config = {.origin = raw_server_origin(fixture->server),
		.live = true,
		.key = FIXTURE_KEY,
		.connections = 1,
		.timeout_ms = FIXTURE_TIMEOUT_MS};
	struct test_call *call;

	(void)state;
	api_free(fixture->api);
	assert_int_equal(
		api_new(fixture->loop, &fixture->log, &config, &fixture->api), 0);
	call = fixture_list(fixture);
	fixture_settle(call);
	assert_string_equal(call->ids.data, "a ");
	call = fixture_get(fixture, "a");
	fixture_settle(call);
	assert_string_equal(call->ids.data, "a ");
	call = fixture_delete(fixture, "a");
	fixture_until_requests(fixture, 3);
	assert_memory_equal(
		raw_server_head(fixture->server, 2), "DELETE /v2/live/a ", 18);
	fixture_cancel(call);
	fixture_free(fixture);
}

/* SEMANTICS 3.1: the job's custom_metadata is found, whatever surrounds it. */
static void its_metadata_is_passed_on(void **state)
{
	static const struct {
		const char *body;
		const char *metadata;
	} cases[] = {
		{"{\"id\":\"a\",\"custom_metadata\":{\"k\":\"v\",\"n\":1.50}}",
			"\nk=v\nn=1.50\n"},
		{"{\"custom_metadata\":{\"k\":1},\"result\":{\"custom_metadata\":{\"x\":"
		 "2}},"
		 "\"id\":\"a\"}",
			"\nk=1\n"},
		{"{\"id\":\"a\",\"result\":{\"transcription\":{}},"
		 "\"custom_metadata\":{\"k\":[1,2]}}",
			"\nk=1\nk=2\n"},
		{"{\"id\":\"a\",\"Custom_Metadata\":{\"k\":1}}", ""},
		{"{\"id\":\"a\",\"custom_metadata\":{\"k\":1},\"custom_metadata\":null}",
			""},
		{"{\"id\":\"a\"}", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char answer[256];
		const struct raw_route routes[] = {
			{"/v2/pre-recorded/a", .bytes = answer,
				.len = (size_t)snprintf(answer, sizeof(answer),
					OK "\r\n%s", cases[i].body),
				.after = RAW_CLOSE},
			{.target = NULL}};
		struct api_fixture *fixture = fixture_new(routes);
		struct test_call *call = fixture_get(fixture, "a");

		fixture_settle(call);
		assert_string_equal(call->why, "");
		assert_string_equal(call->metadata.data, cases[i].metadata);
		fixture_free(fixture);
	}
}

/* SEMANTICS 4.3: an answer that is not the requested job is an error. */
static void another_answer_than_the_job_is_an_error(void **state)
{
	static const struct {
		const char *body;
		const char *why;
		int requests;
	} cases[] = {
		{ITEM("b"), "the response is another job", 1},
		{ITEM("A"), "the response is another job", 1},
		{ITEM(""), "the response is another job", 1},
		{PAGE("null", ITEM("a")), "no object with a string \"id\" at byte 0", 1},
		{"[]", "no object with a string \"id\"", 1},
		{"7", "no object with a string \"id\"", 1},
		{"", "not valid JSON: the text ends too early at byte 0", 3},
		{"<html>", "not valid JSON: expected a value at byte 0", 3},
		{"{\"id\":\"a\"", "the text ends too early at byte 9", 3},
		{ITEM("a") ITEM("a"), "data after the value at byte 28", 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char answer[256];
		int len = snprintf(answer, sizeof(answer), OK "\r\n%s", cases[i].body);
		const struct raw_route routes[] = {
			{"/v2/pre-recorded/a", .bytes = answer, .len = (size_t)len,
				.after = RAW_CLOSE},
			{.target = NULL}};
		struct test_call *call = fixture_get_once(routes, "a");

		assert_int_equal(call->error, -EIO);
		assert_int_equal(call->ids.len, 0);
		assert_holds(call->why, "getting job a: the response is ");
		assert_holds(call->why, cases[i].why);
		assert_int_equal(
			raw_server_requests(call->fixture->server), cases[i].requests);
		fixture_free(call->fixture);
	}
}

/* SEMANTICS 11.3.2: the size of a job is limited. */
static void a_job_alone_has_a_maximum(void **state)
{
	static const char begin[] = OK "\r\n{\"id\":\"a\",\"text\":\"";
	static char bytes[256 * 1024];
	static const struct raw_route routes[] = {
		{"/v2/pre-recorded/a", BYTES(bytes), .times = SIZE_MAX,
			.again_from = sizeof(begin) - 1},
		{.target = NULL}};

	(void)state;
	memset(bytes, 'y', sizeof(bytes));
	memcpy(bytes, begin, sizeof(begin) - 1);

	struct test_call *call = fixture_get_once(routes, "a");

	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "a job is too large");
	assert_int_equal(raw_server_requests(call->fixture->server), 1);
	fixture_free(call->fixture);
}

static void without_an_id_nothing_is_requested(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	static const struct api_handlers none = {NULL, NULL, NULL};
	struct api_fixture *fixture = fixture_new(routes);
	struct api_call *call = NULL;

	(void)state;
	assert_int_equal(api_get(fixture->api, "", &none, NULL, &call), -EINVAL);
	assert_null(call);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_got_by_its_id),
		cmocka_unit_test(live_sessions_have_their_own_path),
		cmocka_unit_test(its_metadata_is_passed_on),
		cmocka_unit_test(another_answer_than_the_job_is_an_error),
		cmocka_unit_test(a_job_alone_has_a_maximum),
		cmocka_unit_test(without_an_id_nothing_is_requested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
