/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"
#include "base/array.h"
#include "base/cleanup.h"

/* gladia/api.h: how failures are reported, and that the key is never disclosed. */

#define JOB_TARGET "/v2/pre-recorded/a"
#define JOB        "{\"id\":\"a\",\"status\":\"queued\"}"
#define PAGE       "{\"next\":null,\"items\":[" JOB "]}"
/* The body that the API sends with an error. */
#define MESSAGE(message)                                                             \
	"{\"timestamp\":\"2026-04-01T00:00:00.000Z\",\"path\":\"/v2/pre-recorded\"," \
	"\"request_id\":\"G-body\",\"statusCode\":400,\"message\":" message "}"

static struct test_call *get_status(const char *status, const char *body)
{
	struct test_call *call = fixture_get(
		fixture_new_answering(JOB_TARGET, status, body), "a");

	fixture_settle(call);
	return call;
}

/*
 * SEMANTICS 11.1: each status has an errno and a message with advice; permanent errors
 * are not retried.
 */
static void statuses_become_errnos(void **state)
{
	static const struct {
		const char *status;
		int error;
		bool again;
		const char *why;
		const char *advice;
	} cases[] = {
		{"301 x\r\nLocation: http://127.0.0.1:1/", -EIO, false,
			"301 Moved Permanently", "redirects are not followed"},
		{"302 x\r\nLocation: /", -EIO, false, "302 Found",
			"not followed with the key"},
		{"399 x", -EIO, false, "399", "not followed"},
		{"400 x", -EINVAL, false, "400 Bad Request", "page_size="},
		{"401 x", -EACCES, false, "401 Unauthorized", "check the API key"},
		{"403 x", -EACCES, false, "403 Forbidden", "check the API key"},
		{"404 x", -ENOENT, false, "404 Not Found", "does not exist"},
		{"405 x", -EIO, false, "405 Method Not Allowed", "SOURCE"},
		{"407 x", -EIO, false, "407 Proxy", "proxy"},
		{"408 x", -EIO, true, "408 Request Timeout", "later"},
		{"410 x", -EIO, false, "410 Gone", "SOURCE"},
		{"413 x", -EIO, false, "413 Content Too Large", "page_size="},
		{"418 x", -EIO, false, "418", "SOURCE"},
		{"422 x", -EINVAL, false, "422 Unprocessable", "page_size="},
		{"429 x", -EBUSY, true, "429 Too Many Requests", "connections="},
		{"500 x", -EIO, true, "500 Internal Server Error", "later"},
		{"501 x", -EIO, false, "501 Not Implemented", "SOURCE"},
		{"502 x", -EIO, true, "502 Bad Gateway", "later"},
		{"503 x", -EIO, true, "503 Service Unavailable", "later"},
		{"504 x", -EIO, true, "504 Gateway Timeout", "later"},
		{"505 x", -EIO, false, "505", "later"},
		{"599 x", -EIO, true, "599", "later"},
		{"600 x", -EIO, false, "600", "SOURCE"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_call *call = get_status(cases[i].status, "");
		const char *advice = strrchr(call->why, ';');

		assert_int_equal(call->error, cases[i].error);
		assert_holds(call->why, "getting job a: the server answered ");
		assert_holds(call->why, cases[i].why);
		assert_non_null(advice);
		assert_holds(advice, cases[i].advice);
		assert_int_equal(
			raw_server_requests(call->fixture->server) > 1, cases[i].again);
		assert_int_equal(
			strstr(call->why, " attempts in ") != NULL, cases[i].again);
		fixture_free(call->fixture);
	}
}

/* A list can get 404 as well, at any offset: the caller decides how to interpret it. */
static void a_list_past_its_end_may_be_404(void **state)
{
	static const struct raw_route routes[] = {
		{"/v2/pre-recorded?offset=40&limit=20", BYTES("HTTP/1.1 404 No\r\n\r\n"),
			.after = RAW_CLOSE},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_page(fixture, 40, 20);

	(void)state;
	fixture_settle(call);
	assert_int_equal(call->error, -ENOENT);
	assert_false(call->has_page);
	assert_holds(call->why, "listing jobs (offset 40, limit 20): ");
	fixture_free(fixture);
}

/* The API's own error message is quoted, whatever the format of the body. */
static void the_servers_message_is_quoted(void **state)
{
	static const struct {
		const char *status;
		const char *body;
		const char *why;
	} cases[] = {
		{"401 x", MESSAGE("\"gladia user not found\""),
			"401 Unauthorized: \"gladia user not found\" (request G-body); "},
		{"400 x", MESSAGE("[\"limit must be small\",7,\"offset must not\"]"),
			"400 Bad Request: \"limit must be small; offset must not\" "
			"(request G-body); "},
		{"401 x\r\nX-Request-ID: G-header", MESSAGE("\"no\""),
			": \"no\" (request G-header); "},
		{"401 x\r\nx-request-id: G-header", "",
			"Unauthorized (request G-header); "},
		{"403 x", MESSAGE("\"a\\nb\\u001b[2J\\u00e9\""), ": \"a?b?[2J??\" ("},
		{"403 x", MESSAGE("null"), "Forbidden (request G-body); "},
		{"403 x", MESSAGE("\"\""), "Forbidden (request G-body); "},
		{"403 x", MESSAGE("{\"message\":\"x\"}"), "Forbidden (request G-body); "},
		{"403 x", "{\"message\":\"x\",\"request_id\":7}", "Forbidden: \"x\"; "},
		{"403 x", "{\"message\":\"cut", "Forbidden; "},
		{"403 x", "<html><p>message</html>", "Forbidden; "},
		{"403 x", "\"message\"", "Forbidden; "},
		{"403 x", "[]", "Forbidden; "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_call *call = get_status(cases[i].status, cases[i].body);

		assert_holds(call->why, cases[i].why);
		fixture_free(call->fixture);
	}
}

/* SEMANTICS 11.3: long messages are shortened. */
static void long_words_are_shortened(void **state)
{
	char body[1024];
	struct test_call *call;

	(void)state;
	snprintf(body, sizeof(body), MESSAGE("\"%0*d\""), 500, 7);
	call = get_status("403 x", body);
	assert_holds(call->why, "0000...\" (request G-body); check the API key");
	assert_null(strstr(call->why, "7"));
	assert_true(strlen(call->why) < 500);
	fixture_free(call->fixture);

	/* An id is shortened, too. */
	char target[256];

	snprintf(target, sizeof(target), "/v2/pre-recorded/%0*d", 200, 7);
	call = fixture_get(fixture_new_answering(target, "403 x", ""),
		target + strlen("/v2/pre-recorded/"));
	fixture_settle(call);
	assert_holds(call->why, "getting job 0000000000");
	assert_holds(call->why, "0000...: the server answered 403");
	assert_true(strlen(call->why) < 200);
	fixture_free(call->fixture);
}

/* SEMANTICS 11.3: of an error, the first 16 KiB are read. */
static void the_end_of_a_long_error_is_not_read(void **state)
{
	static const struct {
		int padding;
		const char *why;
	} cases[] = {{16000, "Forbidden: \"no\"; "}, {17000, "Forbidden; "}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP_FREE char *body = NULL;

		assert_true(asprintf(&body, "{\"padding\":\"%0*d\",\"message\":\"no\"}",
				    cases[i].padding, 0) > 0);

		struct test_call *call = get_status("403 x", body);

		assert_holds(call->why, cases[i].why);
		fixture_free(call->fixture);
	}
}

/*
 * SEMANTICS 2.2: the key is redacted even if the server repeats it, whole, truncated or
 * twice.
 */
static void the_key_is_in_no_message(void **state)
{
	char body[1024];
	struct test_call *call = get_status("401 x\r\nx-request-id: " FIXTURE_KEY,
		MESSAGE("\"key " FIXTURE_KEY " and " FIXTURE_KEY FIXTURE_KEY "\""));

	(void)state;
	assert_holds(call->why, "\"key ******************** and ***");
	assert_holds(call->why, "(request ********************)");
	fixture_free(call->fixture);

	for (int at = 200; at < 260; at++) {
		snprintf(body, sizeof(body), MESSAGE("\"%0*d" FIXTURE_KEY "\""), at, 0);
		call = get_status("401 x", body);
		assert_null(strstr(call->why, "5e"));
		fixture_free(call->fixture);
	}
}

/* SEMANTICS 2.3.2: a redirect is not followed. */
static void redirects_are_not_followed(void **state)
{
	static const struct raw_route elsewhere[] = {{.target = NULL}};
	struct raw_server *other = raw_server_new(elsewhere);
	char status[256];

	(void)state;
	snprintf(status, sizeof(status), "307 x\r\nLocation: %s/",
		raw_server_origin(other));

	struct test_call *call = get_status(status, "");

	assert_int_equal(call->error, -EIO);
	assert_int_equal(raw_server_requests(call->fixture->server), 1);
	assert_int_equal(raw_server_connections(other), 0);
	fixture_free(call->fixture);
	raw_server_free(other);
}

/* SEMANTICS 1.5: the key can be replaced, as after SIGHUP. */
static void the_key_can_change(void **state)
{
	static const struct raw_route routes[] = {
		{JOB_TARGET,
			BYTES("HTTP/1.1 401 No\r\n\r\n" MESSAGE(
				"\"" FIXTURE_KEY " is nobody's\"")),
			.after = RAW_CLOSE, .stepwise = true},
		{LIST_TARGET, BODY(PAGE)}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_get(fixture, "a");

	(void)state;
	fixture_until_requests(fixture, 1);
	assert_int_equal(api_set_key(fixture->api, "a\nb: c"), -EINVAL);
	assert_int_equal(api_set_key(fixture->api, "0ther"), 0);
	raw_server_step(fixture->server);
	/*
	 * The old key is no longer known and cannot be redacted, so the server is not
	 * quoted.
	 */
	fixture_settle(call);
	assert_holds(call->why, "the server answered 401 Unauthorized; check");

	call = fixture_list(fixture);
	fixture_settle(call);
	assert_int_equal(call->error, 0);
	assert_holds(raw_server_head(fixture->server, 0),
		"\r\nx-gladia-key: " FIXTURE_KEY "\r\n");
	assert_holds(raw_server_head(fixture->server, 1), "\r\nx-gladia-key: 0ther\r\n");
	fixture_free(fixture);
}

/*
 * SEMANTICS 2.1: an error about the key names the place it was read from; other errors do
 * not.
 */
static void the_place_of_the_key_is_named(void **state)
{
	static const char place[] = "from GLADIA_API_KEY, which comes before /x/.gladia";
	static const struct raw_route routes[] = {
		{LIST_TARGET, BYTES("HTTP/1.1 401 No\r\n\r\n"), .after = RAW_CLOSE},
		{JOB_TARGET, BYTES("HTTP/1.1 404 No\r\n\r\n"), .after = RAW_CLOSE},
		{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct api_config config = {.origin = raw_server_origin(fixture->server),
		.key = FIXTURE_KEY,
		.key_place = place,
		.connections = 1,
		.timeout_ms = FIXTURE_TIMEOUT_MS};

	(void)state;
	api_free(fixture->api);
	assert_int_equal(
		api_new(fixture->loop, &fixture->log, &config, &fixture->api), 0);

	struct test_call *call = fixture_list(fixture);

	fixture_settle(call);
	assert_int_equal(call->error, -EACCES);
	assert_holds(call->why, "; check the API key: it is ");
	assert_holds(call->why, place);
	call = fixture_get(fixture, "a");
	fixture_settle(call);
	assert_int_equal(call->error, -ENOENT);
	assert_null(strstr(call->why, "GLADIA_API_KEY"));
	fixture_free(fixture);
}

static void unsound_configs_are_refused(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct api_config config = {.origin = "https://api.test",
		.key = "a\r\nb: c",
		.connections = 1,
		.timeout_ms = 1000};
	struct api *api = NULL;

	(void)state;
	assert_int_equal(api_new(fixture->loop, &fixture->log, &config, &api), -EINVAL);
	config.key = "a";
	config.ca_file = "/dev/null";
	assert_int_equal(api_new(fixture->loop, &fixture->log, &config, &api), -EINVAL);
	assert_null(api);
	api_free(NULL);
	fixture_free(fixture);
}

/*
 * SEMANTICS 9.1: answers are counted. The list ends too early, which is noticed after its
 * last byte: curl 8 does not count bytes that the write callback rejects.
 */
static void answers_are_counted(void **state)
{
	static const struct raw_route routes[] = {
		{"/v2/pre-recorded/302", BYTES("HTTP/1.1 302 x\r\n\r\nab"),
			.after = RAW_CLOSE},
		{"/v2/pre-recorded/404", BYTES("HTTP/1.1 404 x\r\n\r\nab"),
			.after = RAW_CLOSE},
		{"/v2/pre-recorded/501", BYTES("HTTP/1.1 501 x\r\n\r\nab"),
			.after = RAW_CLOSE},
		{JOB_TARGET, BYTES("HTTP/1.1 429 x\r\n\r\n"), .after = RAW_CLOSE,
			.only = 1},
		{JOB_TARGET, BYTES(OK "Content-Length: 9\r\n\r\nab"), .after = RAW_CLOSE,
			.only = 1},
		{JOB_TARGET, BODY(JOB)}, {LIST_TARGET, BODY("{ ")}, {.target = NULL}};
	/* Each status has another number of responses. */
	static const char *const ids[] = {"302", "302", "404", "404", "404", "501", "501",
		"501", "501", "501", "a"};
	static const struct api_status counts[] = {
		{302, 2}, {404, 3}, {501, 5}, {429, 1}, {200, 4}};
	struct api_fixture *fixture = fixture_new(routes);
	struct api_stats stats;

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++)
		fixture_settle(fixture_get(fixture, ids[i]));
	fixture_settle(fixture_list(fixture));
	api_stats(fixture->api, &stats);
	assert_int_equal(stats.requests, 16);
	assert_int_equal(stats.failed, 1);
	assert_int_equal(stats.retries, 4);
	assert_int_equal(stats.statuses_len, COUNT(counts));
	for (unsigned i = 0; i < stats.statuses_len; i++) {
		assert_int_equal(stats.statuses[i].status, counts[i].status);
		assert_int_equal(stats.statuses[i].responses, counts[i].responses);
	}
	assert_int_equal(stats.latency.count, 15);
	assert_int_equal(stats.calls, 0);
	assert_int_equal(stats.bytes, 10 * 2 + 2 + strlen(JOB) + 3 * 2);
	fixture_free(fixture);
}

/* With -d, each attempt is logged in one line; the caller reports the failure. */
static void attempts_are_logged_with_v(void **state)
{
	static const struct raw_route routes[] = {
		{JOB_TARGET, BYTES("HTTP/1.1 503 x\r\n\r\n"), .after = RAW_CLOSE,
			.only = 1},
		{JOB_TARGET, BYTES(""), .after = RAW_CLOSE, .only = 2},
		{JOB_TARGET, BODY(JOB)}, {"/v2/pre-recorded/b", BODY("")},
		{"/v2/pre-recorded/c", BYTES(""), .after = RAW_HOLD}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	int capture = stderr_capture_begin();

	(void)state;
	/* Without -v nothing is logged. */
	fixture_settle(fixture_get(fixture, "b"));

	CLEANUP_FREE char *quiet = stderr_capture_end(capture);

	fixture->log.verbose = true;
	capture = stderr_capture_begin();
	fixture_settle(fixture_get(fixture, "a"));

	struct test_call *call = fixture_get(fixture, "c");

	while (!call->done)
		fixture_forward(fixture, FIXTURE_STALL_MS / 10);

	CLEANUP_FREE char *log = stderr_capture_end(capture);

	assert_string_equal(quiet, "");
	assert_holds(log, "gladiafs: GET http://127.0.0.1:");
	assert_holds(log, JOB_TARGET ": 503 Service Unavailable, 0 bytes, 0 ms, attempt "
				     "1\n");
	assert_holds(log,
		JOB_TARGET ": no answer, Empty reply from server, 0 bytes, 0 ms, "
			   "attempt 2\n");
	assert_holds(log, JOB_TARGET ": 200, 28 bytes, 0 ms, attempt ");
	assert_holds(log, "/c: timed out, ");
	assert_null(strstr(log, "5ecret"));
	fixture_free(fixture);
}

/* SEMANTICS 5.1: an invalid time is logged once, a missing one never. */
static void a_bad_time_is_logged_once(void **state)
{
	static const struct {
		const char *body;
		const char *logged; /* NULL: nothing is logged */
	} cases[] = {
		{"{\"items\":[{\"id\":\"a\",\"created_at\":\"yesterday\"},"
		 "{\"id\":\"b\",\"created_at\":17}],\"next\":null}",
			"listing jobs (offset 0, limit 20): the created_at of a.json "
			"cannot be read"},
		{"{\"items\":[{\"id\":\"a\",\"created_at\":\"2026-04-01T00:00:00Z\","
		 "\"completed_at\":\"2026-04-31T00:00:00Z\"}],\"next\":null}",
			"the completed_at of a.json cannot be read"},
		{"{\"items\":[{\"id\":\"a\",\"created_at\":null},{\"id\":\"b\"},"
		 "{\"id\":\"c\",\"created_at\":\"2026-04-01T00:00:00Z\"}],"
		 "\"next\":null}",
			NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int capture = stderr_capture_begin();
		struct test_call *call = fixture_list(
			fixture_new_answering(LIST_TARGET, "200 OK", cases[i].body));
		CLEANUP_FREE char *log = NULL;

		fixture_settle(call);
		/* Another call of the same account does not log it again. */
		fixture_settle(fixture_list(call->fixture));
		log = stderr_capture_end(capture);
		assert_int_equal(call->error, 0);
		if (!cases[i].logged) {
			assert_string_equal(log, "");
		} else {
			assert_holds(log, cases[i].logged);
			assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
		}
		fixture_free(call->fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_become_errnos),
		cmocka_unit_test(a_list_past_its_end_may_be_404),
		cmocka_unit_test(the_servers_message_is_quoted),
		cmocka_unit_test(long_words_are_shortened),
		cmocka_unit_test(the_end_of_a_long_error_is_not_read),
		cmocka_unit_test(the_key_is_in_no_message),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(the_key_can_change),
		cmocka_unit_test(the_place_of_the_key_is_named),
		cmocka_unit_test(unsound_configs_are_refused),
		cmocka_unit_test(answers_are_counted),
		cmocka_unit_test(attempts_are_logged_with_v),
		cmocka_unit_test(a_bad_time_is_logged_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
