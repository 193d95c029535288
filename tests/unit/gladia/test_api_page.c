/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"
#include "base/cleanup.h"
#include "gladia/api_internal.h"

/* gladia/api.h: parsing a page while it arrives. */

#define ITEM(id)          "{\"id\":\"" id "\",\"status\":\"queued\"}"
#define PAGE(next, items) "{\"next\":" next ",\"items\":[" items "]}"

static struct test_call *list_body(const char *body)
{
	struct test_call *call = fixture_list(
		fixture_new_answering(LIST_TARGET, "200 OK", body));

	fixture_settle(call);
	return call;
}

/*
 * SEMANTICS 2.3, 4.1, 4.2: the request contains the key, and each job is passed on as `jq
 * .` prints it.
 */
static void a_page_is_passed_on_job_by_job(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET,
			BODY("{\"first\":\"x\",\"items\":[{\"id\":\"a\",\"status\":"
			     "\"done\",\"created_at\":\"2026-04-01T00:00:00.001Z\","
			     "\"n\":9007199254740993,\"result\":{\"transcription\":"
			     "{\"full_transcript\":\"Zo\\u00eb\"}}}\n,{\"id\":\"b\","
			     "\"status\":\"error\"}] ,\"next\":null}")},
		{.target = NULL}};
	struct test_call *call = fixture_list_once(routes);

	(void)state;
	assert_int_equal(call->error, 0);
	assert_true(call->has_page);
	assert_int_equal(call->page.items, 2);
	assert_true(call->page.last);
	assert_int_equal(call->page.bytes, routes[0].len - strlen(OK "\r\n"));
	assert_string_equal(call->ids.data, "a b ");
	assert_string_equal(
		call->text.data, "{\n  \"id\": \"b\",\n  \"status\": \"error\"\n}\n");
	assert_int_equal(call->job.status, JOB_ERROR);
	assert_false(call->summary);

	const char *head = raw_server_head(call->fixture->server, 0);

	assert_holds(head, "\r\nx-gladia-key: " FIXTURE_KEY "\r\n");
	assert_holds(head, "\r\nUser-Agent: gladiafs/" GLADIAFS_VERSION "\r\n");
	fixture_free(call->fixture);
}

/* A page can arrive in parts, with its members in any order, and with unknown members. */
static void pages_of_any_shape(void **state)
{
	static const struct {
		const char *body;
		const char *ids;
		bool last;
		uint64_t next;
	} cases[] = {
		{PAGE("null", ""), "", true, 0},
		{PAGE("\"?offset=20\"", ITEM("a")), "a ", false, 20},
		{PAGE("\"?offset=20\"", ""), "", false, 20},
		{PAGE("\"?cursor=20\"", ""), "", false, 0},
		{"{\"items\":[]}", "", false, 0},
		{"{\"items\":[" ITEM("a") "]}", "a ", false, 0},
		{"{\"items\":[],\"nextPage\":null}", "", false, 0},
		{"{\"items\":[" ITEM("a") "],\"next_url\":\"?offset=20\"}", "a ", false,
			0},
		{"{\"items\":[],\"statusCode\":200,\"next\":null}", "", true, 0},
		{"{\"items\":[],\"statusCode\":null,\"next\":null}", "", true, 0},
		{" {\n\t\"items\" : [ " ITEM("a") " , " ITEM(
			 "b") " ] ,\r\n \"next\" : "
			      "\"https://api.gladia.io/v2/"
			      "transcription?limit=20&offset=20\" } \n",
			"a b ", false, 20},
		{"{\"more\":{\"next\":1,\"items\":[1]},\"items\":[" ITEM(
			 "a") "],"
			      "\"extra\":[[]],\"next\":null}",
			"a ", true, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_call *call = list_body(cases[i].body);

		assert_string_equal(call->why, "");
		assert_int_equal(call->error, 0);
		assert_string_equal(call->ids.data ? call->ids.data : "", cases[i].ids);
		assert_int_equal(call->page.items, strlen(cases[i].ids) / 2);
		assert_int_equal(call->page.last, cases[i].last);
		assert_int_equal(call->page.next, cases[i].next);
		fixture_free(call->fixture);
	}
}

/*
 * SEMANTICS 6.6.1, 2.3: `next` says if there is another page, and must be beyond this
 * one.
 */
static void next_ends_or_advances(void **state)
{
	static const struct {
		const char *next;
		bool last;
		const char *why; /* NULL: no error */
	} cases[] = {
		{"null", true, NULL},
		{"\"https://api.gladia.io/v2/transcription?offset=60&limit=20\"", false,
			NULL},
		{"\"http://elsewhere.test/?limit=20&offset=41\"", false, NULL},
		{"\"/v2/pre-recorded?offset=60\"", false, NULL},
		{"\"?offset=60#offset=1\"", false, NULL},
		{"\"?\\u006fffset=60\"", false, NULL},
		{"\"?cursor=abc\"", false, NULL},
		{"\"?xoffset=1\"", false, NULL},
		{"\"#?offset=1\"", false, NULL},
		{"\"\"", false, NULL},
		{"\"?offset=99999999999999999999999999\"", false, NULL},
		{"\"?offset=40\"", false, "does not advance: it says offset 40"},
		{"\"?limit=20&offset=20\"", false, "does not advance: it says offset 20"},
		{"\"?offset=\"", false, "does not advance"},
		{"\"?offset=x\"", false, "does not advance"},
		{"60", false, "neither null nor text"},
		{"false", false, "neither null nor text"},
		{"{\"offset\":60}", false, "neither null nor text"},
		{"\"\\ud800\"", false, "neither null nor text"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char answer[512];
		int len = snprintf(answer, sizeof(answer),
			OK "\r\n{\"next\":%s,\"items\":[" ITEM("a") "]}", cases[i].next);
		const struct raw_route routes[] = {
			{"/v2/pre-recorded?offset=40&limit=20", .bytes = answer,
				.len = (size_t)len, .after = RAW_CLOSE},
			{.target = NULL}};
		struct api_fixture *fixture = fixture_new(routes);
		struct test_call *call = fixture_page(fixture, 40, 20);

		fixture_settle(call);
		assert_int_equal(call->error, cases[i].why ? -EIO : 0);
		assert_int_equal(raw_server_requests(fixture->server), 1);
		if (cases[i].why) {
			assert_holds(call->why, cases[i].why);
			assert_holds(call->why, "listing jobs (offset 40, limit 20): ");
		} else {
			assert_int_equal(call->page.last, cases[i].last);
		}
		fixture_free(fixture);
	}
}

/* SEMANTICS 6.6: an empty page is checked, too. */
static void an_empty_page_is_a_page(void **state)
{
	struct test_call *call = list_body(PAGE("\"?offset=0\"", ""));

	(void)state;
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "does not advance");
	fixture_free(call->fixture);
	call = list_body(PAGE("7", ""));
	assert_int_equal(call->error, -EIO);
	fixture_free(call->fixture);
}

/*
 * SEMANTICS 4.3, 6.1: an invalid page is an error that names the position, never a short
 * page.
 */
static void an_invalid_page_is_an_error(void **state)
{
	static const struct {
		const char *body;
		const char *why;
		int requests;
	} cases[] = {
		{"<html>Sign in</html>", "not valid JSON: expected '{' at byte 0", 3},
		{"", "the page ends too early at byte 0", 3},
		{"[]", "expected '{' at byte 0", 3},
		{"{}", "no member \"items\" at byte 2", 3},
		{"{\"next\":null}", "no member \"items\"", 3},
		{"{\"items\":null}", "items is null, not an array at byte 9", 3},
		{"{\"items\":{}}", "items is an object, not an array at byte 9", 3},
		{"{\"items\":[" ITEM("a"), "the page ends too early at byte 38", 3},
		{"{\"items\":[" ITEM("a") "]} {", "data after the end of the page", 3},
		{"{\"items\":[{\"id\":\"a\"},{\"id\":tru}]}",
			"expected a value at byte 27", 3},
		{"{\"items\":[],\"next\":nul}", "expected a value at byte 19", 3},
		{"{\"items\":[" ITEM("a") ",7]}",
			"no object with a string \"id\" at byte 39", 1},
		{"{\"items\":[null]}", "no object with a string \"id\" at byte 10", 1},
		{"{\"items\":[{}]}", "no object with a string \"id\" at byte 10", 1},
		{"{\"items\":[{\"id\":7}]}", "no object with a string \"id\"", 1},
		{"{\"items\":[\"a\"]}", "no object with a string \"id\"", 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_call *call = list_body(cases[i].body);

		assert_int_equal(call->error, -EIO);
		assert_holds(call->why,
			"listing jobs (offset 0, limit 20): the response is "
			"not ");
		assert_holds(call->why, cases[i].why);
		assert_int_equal(
			raw_server_requests(call->fixture->server), cases[i].requests);
		fixture_free(call->fixture);
	}
}

/* SEMANTICS 6.6: an error object with HTTP status 200 is retried like other errors. */
static void an_error_as_a_page(void **state)
{
	static const char *const bodies[] = {
		"{\"items\":[],\"statusCode\":500}",
		"{\"statusCode\":500,\"message\":\"sorry\",\"next\":null,\"items\":[]}",
		"{\"items\":[" ITEM("a") "],\"next\":null,\"statusCode\":\"503\"}",
		"{\"items\":[],\"next\":null,\"statusCode\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct test_call *call = list_body(bodies[i]);

		assert_int_equal(call->error, -EIO);
		assert_holds(call->why, "the page is an error with HTTP status 200");
		assert_int_equal(raw_server_requests(call->fixture->server), 3);
		fixture_free(call->fixture);
	}
}

/* SEMANTICS 4.3: an answer without a body is not a page. */
static void an_answer_without_a_body_is_no_page(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, BYTES("HTTP/1.1 204 No Content\r\n\r\n")},
		{.target = NULL}};
	struct test_call *call = fixture_list_once(routes);

	(void)state;
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "the page ends too early at byte 0");
	fixture_free(call->fixture);
}

/* Returns a text of `before`, `len` times `fill`, and `after`. */
static char *long_text(const char *before, char fill, size_t len, const char *after)
{
	size_t start = strlen(before);
	char *text = malloc(start + len + strlen(after) + 1);

	assert_non_null(text);
	memcpy(text, before, start);
	memset(text + start, fill, len);
	strcpy(text + start + len, after);
	return text;
}

/* SEMANTICS 11.3: the size of a job, and of everything around the jobs, is limited. */
static void jobs_and_what_is_around_have_a_maximum(void **state)
{
	const struct {
		char *body;
		const char *why;
	} cases[] = {
		{long_text("{\"items\":[{\"id\":\"a\",\"wide\":\"", 'x', API_ITEM_MAX,
			 "\"}],\"next\":null}"),
			"an item is too large at byte 10"},
		{long_text("{\"items\":[],\"more\":\"", 'x', API_FRAME_MAX, "\"}"),
			"too much data around the items"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_call *call = list_body(cases[i].body);

		assert_int_equal(call->error, -EIO);
		assert_holds(call->why, cases[i].why);
		fixture_free(call->fixture);
		free(cases[i].body);
	}
}

/* SEMANTICS 11.3: the depth of nesting is limited. */
static void nesting_has_a_maximum(void **state)
{
	CLEANUP_FREE char *closers = long_text("", ']', 2000, "}],\"next\":null}");
	CLEANUP_FREE char *body = long_text(
		"{\"items\":[{\"id\":\"a\",\"deep\":", '[', 2000, closers);
	struct test_call *call = list_body(body);

	(void)state;
	assert_int_equal(call->error, -EIO);
	assert_holds(call->why, "nested too deeply at byte ");
	assert_int_equal(call->ids.len, 0);
	fixture_free(call->fixture);
}

/* SEMANTICS 11.3: the memory used for a large job is freed. */
static void memory_of_a_large_job_is_given_back(void **state)
{
	enum { LARGE = 20 << 20, SMALL_MAX = 2 << 20 };
	CLEANUP_FREE char *body = long_text("{\"items\":[{\"id\":\"a\",\"wide\":\"", 'x',
		LARGE, "\"}],\"next\":null}");
	struct test_call *call = list_body(body);

	(void)state;
	assert_int_equal(call->error, 0);
	assert_true(call->text.len > LARGE);
	assert_true(call->fixture->api->scratch.text.cap <= SMALL_MAX);
	assert_true(call->fixture->api->scratch.head.cap <= SMALL_MAX);
	fixture_free(call->fixture);
}

/*
 * SEMANTICS 3.6: only the job whose id cannot be a name is left out, and that is logged.
 */
static void ids_that_are_no_names_are_refused(void **state)
{
	CLEANUP_FREE char *body = long_text(
		"{\"items\":[" ITEM("a") "," ITEM("") ",{\"id\":\"", 'x', 300,
		"\"}," ITEM("b") "," ITEM("c\\u0000d") "," ITEM("\\ud800") "," ITEM(
			"") "," ITEM("") "," ITEM("../e") "],\"next\":null}");
	int capture = stderr_capture_begin();
	struct test_call *call = list_body(body);
	CLEANUP_FREE char *log = stderr_capture_end(capture);

	(void)state;
	assert_int_equal(call->error, 0);
	assert_string_equal(call->ids.data, "a - - b - - - - ../e ");
	assert_int_equal(call->page.items, 9);
	assert_holds(log, "listing jobs (offset 0, limit 20): the job at byte 39 of the "
			  "page is left out: its id is empty");
	assert_holds(log, "byte 67 of the page is left out: its id is too long");
	assert_holds(log, "limit 20): 2 more jobs of the page are left out\n");
	fixture_free(call->fixture);
}

/* If each job that is left out has its own message, no other message counts them. */
static void few_refused_ids_are_all_named(void **state)
{
	int capture = stderr_capture_begin();
	struct test_call *call = list_body("{\"items\":[" ITEM("") "," ITEM("") "," ITEM(
		"") "," ITEM("") "],\"next\":null}");
	CLEANUP_FREE char *log = stderr_capture_end(capture);
	unsigned lines = 0;

	(void)state;
	for (const char *at = log; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 4);
	assert_null(strstr(log, " more jobs "));
	fixture_free(call->fixture);
}

/* SEMANTICS 4.2: a done job without its transcription is a summary. */
static void summaries_are_marked(void **state)
{
	static const struct {
		const char *item;
		bool summary;
	} cases[] = {
		{"{\"id\":\"a\",\"status\":\"done\"}", true},
		{"{\"id\":\"a\",\"status\":\"done\",\"result\":null}", true},
		{"{\"id\":\"a\",\"result\":{},\"status\":\"done\"}", true},
		{"{\"id\":\"a\",\"result\":{\"transcription\":null},\"status\":\"done\"}",
			true},
		{"{\"id\":\"a\",\"status\":\"done\",\"x\":{\"transcription\":{}}}", true},
		{"{\"result\":{\"transcription\":{}},\"id\":\"a\",\"status\":\"done\"}",
			false},
		{"{\"id\":\"a\",\"status\":\"done\",\"result\":{\"metadata\":{},"
		 "\"transcription\":{\"utterances\":[]}}}",
			false},
		{"{\"id\":\"a\",\"status\":\"queued\"}", false},
		{"{\"id\":\"a\",\"status\":\"error\",\"result\":null}", false},
		{"{\"id\":\"a\"}", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char body[256];

		snprintf(body, sizeof(body), PAGE("null", "%s"), cases[i].item);

		struct test_call *call = list_body(body);

		assert_int_equal(call->error, 0);
		if (call->summary != cases[i].summary)
			fail_msg("%s", cases[i].item);
		assert_string_equal(call->job.id, "a");
		fixture_free(call->fixture);
	}
}

/* Ids and statuses inside the result are not those of the job. */
static void the_head_is_read_alone(void **state)
{
	struct test_call *call = list_body(PAGE("null",
		"{\"id\":\"a\",\"status\":\"done\",\"result\":{\"id\":\"b\",\"status\":"
		"\"error\"},\"created_at\":\"1970-01-01T00:00:00.007Z\"}"));

	(void)state;
	assert_string_equal(call->job.id, "a");
	assert_int_equal(call->job.status, JOB_DONE);
	assert_int_equal(call->job.created_ms, 7);
	assert_holds(call->text.data, "\"status\": \"error\"");
	fixture_free(call->fixture);
}

static void the_callback_can_end_it(void **state)
{
	static const struct raw_route routes[] = {
		{LIST_TARGET, BODY(PAGE("null", ITEM("a") "," ITEM("b")))},
		{"/v2/pre-recorded/a", BODY(ITEM("a"))}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_list(fixture);

	(void)state;
	call->refuse_with = -ENOSPC;
	fixture_settle(call);
	assert_int_equal(call->error, -ENOSPC);
	assert_string_equal(call->ids.data, "a ");
	assert_holds(call->why, "cannot store the response: No space left on device");
	assert_int_equal(raw_server_requests(fixture->server), 1);

	call = fixture_get(fixture, "a");
	call->refuse_with = -ENOSPC;
	fixture_settle(call);
	assert_int_equal(call->error, -ENOSPC);
	fixture_free(fixture);
}

/* SEMANTICS 3.2: the query string for filters, and how error messages describe it. */
static void filters_are_in_the_query_and_in_messages(void **state)
{
	static const struct raw_route routes[] = {
		{"/v2/pre-recorded?offset=40&limit=7&status=done&status=error"
		 "&after_date=2026-03-31T23%3A59%3A59.999Z"
		 "&before_date=2026-04-02T00%3A00%3A00.000Z",
			BYTES("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")},
		{.target = NULL}};
	struct api_request request = {0};
	struct query query;

	(void)state;
	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "error,done"), 0);
	assert_int_equal(query_narrow(&query, QUERY_DATE, "2026-04-01"), 0);
	assert_int_equal(
		api_request_list("/v2/pre-recorded", &query, 0, 40, 7, &request), 0);
	assert_string_equal(request.url, routes[0].target);
	assert_string_equal(request.description,
		"listing jobs (offset 40, limit 7, status=done, status=error, "
		"after_date=2026-03-31T23:59:59.999Z, "
		"before_date=2026-04-02T00:00:00.000Z)");
	api_request_done(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_passed_on_job_by_job),
		cmocka_unit_test(pages_of_any_shape),
		cmocka_unit_test(next_ends_or_advances),
		cmocka_unit_test(an_empty_page_is_a_page),
		cmocka_unit_test(an_invalid_page_is_an_error),
		cmocka_unit_test(an_error_as_a_page),
		cmocka_unit_test(an_answer_without_a_body_is_no_page),
		cmocka_unit_test(jobs_and_what_is_around_have_a_maximum),
		cmocka_unit_test(nesting_has_a_maximum),
		cmocka_unit_test(memory_of_a_large_job_is_given_back),
		cmocka_unit_test(ids_that_are_no_names_are_refused),
		cmocka_unit_test(few_refused_ids_are_all_named),
		cmocka_unit_test(summaries_are_marked),
		cmocka_unit_test(the_head_is_read_alone),
		cmocka_unit_test(the_callback_can_end_it),
		cmocka_unit_test(filters_are_in_the_query_and_in_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
