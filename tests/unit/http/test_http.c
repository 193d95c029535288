/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "http_fixture.h"

#define BYTES(text)  .bytes = (text), .len = sizeof(text) - 1
#define OK           "HTTP/1.1 200 OK\r\n"
#define COUNT(array) (ARRAY_SIZE(array))

/* {"id":"a"} and a newline, 20 times, compressed with gzip. */
#define ZIPPED                                                                       \
	"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xab\x56\xca\x4c\x51\xb2\x52\x4a\x54\xaa\xe5" \
	"\xaa\x1e\x6e\x4c\0\x52\x21\x2a\xbf\xdc\0\0\0"

static const struct raw_route routes[] = {
	{"/length", BYTES(OK "Content-Length: 5\r\n\r\nhello")},
	{"/chunked", BYTES(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n"
			      "0\r\nTrailer: 1\r\n\r\n")},
	{"/close", BYTES(OK "\r\nhello"), .after = RAW_CLOSE},
	{"/early",
		BYTES("HTTP/1.1 103 Early Hints\r\nx-request-id: early\r\nRetry-After: 9"
		      "\r\n\r\n" OK "Content-Length: 5\r\n\r\nhello")},
	{"/empty", BYTES("HTTP/1.1 204 No Content\r\n\r\n")},
	{"/gzip",
		BYTES(OK "Content-Encoding: gzip\r\nContent-Length: 34\r\n\r\n" ZIPPED)},
	{"/redirect",
		BYTES("HTTP/1.1 302 Found\r\nLocation: http://localhost:1/length\r\n"
		      "Content-Length: 4\r\n\r\ngone")},
	{"/slow-down", BYTES("HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\n"
			     "x-request-id: \tG-4546\x01\xff\x1b"
			     "3597 \r\n"
			     "Content-Length: 9\r\n\r\n{\"a\":\"b\"}")},
	{"/long-id",
		BYTES("HTTP/1.1 503 No\r\nretry-after: soon\r\nX-Request-Id: "
		      "0123456789012345678901234567890123456789012345678901234567890123"
		      "456789\r\nContent-Length: 0\r\n\r\n")},
	{"/cut-length", BYTES(OK "Content-Length: 9\r\n\r\nhello"), .after = RAW_CLOSE},
	{"/cut-chunk", BYTES(OK "Transfer-Encoding: chunked\r\n\r\n9\r\nhello"),
		.after = RAW_CLOSE},
	{"/cut-head", BYTES(OK "Content-Le"), .after = RAW_CLOSE},
	{"/cut-error",
		BYTES("HTTP/1.1 503 No\r\nRetry-After: 2\r\nContent-Length: 9\r\n\r\nno"),
		.after = RAW_CLOSE},
	{"/reset", BYTES(OK "Content-Length: 9\r\n\r\nhello"), .after = RAW_RESET},
	{"/reset-at-once", BYTES(""), .after = RAW_RESET},
	{"/nothing", BYTES(""), .after = RAW_CLOSE},
	{"/not-http", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), .after = RAW_CLOSE},
	{"/bad-chunk", BYTES(OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
		.after = RAW_CLOSE},
	{"/bad-gzip",
		BYTES(OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")},
	{"/endless-early", BYTES("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"),
		.times = SIZE_MAX},
	{"/endless-error", BYTES("HTTP/1.1 500 No\r\n\r\n"), .times = SIZE_MAX},
	{"/hold", BYTES(""), .after = RAW_HOLD},
	{"/hold-in-head", BYTES(OK "Content-Le"), .after = RAW_HOLD},
	{"/hold-in-body", BYTES(OK "Content-Length: 9\r\n\r\nhello"), .after = RAW_HOLD},
	{"/drip", BYTES(OK "\r\n"), .times = 10, .stepwise = true, .after = RAW_CLOSE},
	{.target = NULL},
};

static int set_up(void **state)
{
	*state = fixture_new(routes, NULL);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static struct test_request *request_for(struct http_fixture *fixture, const char *target)
{
	struct test_request *request = fixture_get(fixture, target);

	fixture_until_done(request);
	assert_int_equal(request->done, 1);
	return request;
}

static void assert_data(const struct test_request *request, const char *text)
{
	assert_int_equal(request->data.len, strlen(text));
	assert_memory_equal(
		request->data.len ? request->data.data : "", text, request->data.len);
}

static void whole_answers(void **state)
{
	static const struct {
		const char *target;
		long status;
		const char *data;
	} cases[] = {
		{"/length", 200, "hello"},
		{"/chunked", 200, "hello"},
		{"/close", 200, "hello"},
		{"/early", 200, "hello"},
		{"/empty", 204, ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_request *request = request_for(*state, cases[i].target);

		assert_int_equal(request->result.failure, HTTP_OK);
		assert_int_equal(request->result.status, cases[i].status);
		assert_data(request, cases[i].data);
		assert_int_equal(request->result.bytes, strlen(cases[i].data));
		assert_int_equal(request->result.body_len, 0);
		assert_int_equal(request->result.error, 0);
		assert_string_equal(request->result.detail, "");
		assert_string_equal(request->result.request_id, "");
		assert_int_equal(request->result.retry_after_ms, -1);
	}
}

static void compression_is_undone(void **state)
{
	struct test_request *request = request_for(*state, "/gzip");

	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->data.len, 220);
	assert_memory_equal(request->data.data, "{\"id\":\"a\"}\n{\"id\"", 16);
	assert_int_equal(request->result.bytes, 34);
}

/* SEMANTICS 2.3: redirects are not followed, with the key or without. */
static void a_redirect_is_the_answer(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *request = request_for(fixture, "/redirect");

	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.status, 302);
	assert_string_equal(request->result.body, "gone");
	assert_int_equal(request->data.len, 0);
	request_for(fixture, "/length");
	assert_int_equal(raw_server_requests(fixture->server), 2);
	assert_int_equal(raw_server_connections(fixture->server), 1);
}

/* SEMANTICS 11.1: Retry-After is parsed, and text that is logged is printable. */
static void errors_have_their_body_and_headers(void **state)
{
	struct test_request *request = request_for(*state, "/slow-down");

	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.status, 429);
	assert_string_equal(request->result.body, "{\"a\":\"b\"}");
	assert_int_equal(request->result.body_len, 9);
	assert_int_equal(request->data.len, 0);
	assert_int_equal(request->result.retry_after_ms, 17000);
	assert_string_equal(request->result.request_id, "G-45463597");

	request = request_for(*state, "/long-id");
	assert_int_equal(request->result.status, 503);
	assert_int_equal(request->result.retry_after_ms, -1);
	assert_string_equal(request->result.request_id,
		"012345678901234567890123456789012345678901234567890123456789012");
}

/* SEMANTICS 11.1: a connection that breaks is reported as broken, wherever it breaks. */
static void broken_answers(void **state)
{
	static const struct {
		const char *target;
		long status;
	} cases[] = {
		{"/cut-length", 200},
		{"/cut-chunk", 200},
		{"/cut-error", 503},
		{"/reset", 200},
		{"/reset-at-once", 0},
		{"/nothing", 0},
		{"/not-http", 0},
		{"/bad-chunk", 200},
		{"/bad-gzip", 200},
		{"/endless-early", 103},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_request *request = request_for(*state, cases[i].target);

		if (request->result.failure != HTTP_BROKEN ||
			request->result.status != cases[i].status || !request->detail[0])
			fail_msg("%s: failure %d, status %ld, \"%s\"", cases[i].target,
				(int)request->result.failure, request->result.status,
				request->detail);
		assert_false(request->result.tls_failed);
		assert_int_equal(request->result.retry_after_ms,
			cases[i].status == 503 ? 2000 : -1);
	}
}

/* SEMANTICS 11.3: the headers of a response have a maximum size. */
static void headers_have_a_maximum(void **state)
{
	enum { LEN = 300 * 1024 };
	CLEANUP_FREE char *bytes = malloc(LEN);
	size_t len = sizeof(OK) - 1;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, OK, len);
	while (len < LEN - 100)
		len += (size_t)snprintf(
			bytes + len, LEN - len, "X-%zu: %060d\r\n", len, 0);
	len += (size_t)snprintf(bytes + len, LEN - len, "Content-Length: 5\r\n\r\nhello");

	const struct raw_route long_head[] = {
		{"/", .bytes = bytes, .len = len},
		{.target = NULL},
	};
	struct http_fixture *fixture = fixture_new(long_head, NULL);
	struct test_request *request = request_for(fixture, "/");

	assert_int_equal(request->result.failure, HTTP_BROKEN);
	assert_int_equal(request->data.len, 0);
	fixture_free(fixture);
}

/*
 * SEMANTICS 11.3: of an error's body at most error_body_max bytes are read; the rest is
 * not waited for.
 */
static void error_bodies_have_a_maximum(void **state)
{
	static char fits[200 + ERROR_BODY_MAX];
	static char longer[200 + ERROR_BODY_MAX + 1];
	int fits_len = snprintf(fits, sizeof(fits),
		"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%0*d", ERROR_BODY_MAX,
		ERROR_BODY_MAX, 1);
	int longer_len = snprintf(longer, sizeof(longer),
		"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%0*d", ERROR_BODY_MAX + 1,
		ERROR_BODY_MAX + 1, 1);
	const struct raw_route big[] = {
		{"/fits", .bytes = fits, .len = (size_t)fits_len},
		{"/longer", .bytes = longer, .len = (size_t)longer_len},
		{.target = NULL},
	};
	struct http_fixture *fixture = fixture_new(big, NULL);
	struct test_request *request = request_for(fixture, "/fits");

	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.body_len, ERROR_BODY_MAX);
	assert_int_equal(request->body[ERROR_BODY_MAX - 1], '1');
	request = request_for(fixture, "/longer");
	assert_int_equal(raw_server_connections(fixture->server), 1);
	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.status, 500);
	assert_int_equal(request->result.body_len, ERROR_BODY_MAX);
	assert_int_equal(request->body[ERROR_BODY_MAX - 1], '0');
	fixture_free(fixture);

	request = request_for(*state, "/endless-error");
	assert_int_equal(request->result.failure, HTTP_OK);
	assert_int_equal(request->result.status, 500);
	assert_int_equal(request->result.body_len, ERROR_BODY_MAX);
}

/* SEMANTICS 11.3: on_data() can end a request that sends too much. */
static void data_can_be_refused(void **state)
{
	struct test_request *request = fixture_get(*state, "/length");

	request->refuse_with = -EMSGSIZE;
	fixture_until_done(request);
	assert_int_equal(request->done, 1);
	assert_int_equal(request->result.failure, HTTP_REFUSED);
	assert_int_equal(request->result.error, -EMSGSIZE);
	assert_int_equal(request->result.status, 200);
}

/* SEMANTICS 2.3: each request carries the secret header. */
static void the_secret_header_goes_with_each_request(void **state)
{
	struct http_fixture *fixture = *state;
	char url[256];

	request_for(fixture, "/length");
	assert_non_null(
		strstr(raw_server_head(fixture->server, 0), "\r\n" SECRET "\r\n"));
	assert_non_null(strstr(raw_server_head(fixture->server, 0),
		"\r\nUser-Agent: gladiafs/test\r\n"));
	assert_non_null(strstr(raw_server_head(fixture->server, 0), "gzip"));

	/* Queued before the header is replaced, and sent after it. */
	struct test_request *before = fixture_get(fixture, "/length");

	assert_int_equal(http_set_secret(fixture->http, "x-gladia-key: other"), 0);
	fixture_until_done(before);
	assert_non_null(
		strstr(raw_server_head(fixture->server, 1), "\r\n" SECRET "\r\n"));

	snprintf(url, sizeof(url), "%s/empty", raw_server_origin(fixture->server));
	fixture_until_done(fixture_url(fixture, "DELETE", url));

	const char *head = raw_server_head(fixture->server, 2);

	assert_int_equal(strncmp(head, "DELETE /empty HTTP/1.1\r\n", 24), 0);
	assert_non_null(strstr(head, "\r\nx-gladia-key: other\r\n"));
	assert_null(strstr(head, "5ecret"));
}

/*
 * SEMANTICS 2.2: a value that is no valid header is refused, and never becomes two
 * headers.
 */
static void unsound_headers_are_refused(void **state)
{
	static const char *const cases[] = {
		"x-gladia-key", "x-gladia-key: a\r\nHost: b", "x-gladia-key: a\n", ""};
	struct http_fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_config config = {
			.secret_header = cases[i], .connections_max = 1};
		struct http *http = NULL;

		assert_int_equal(http_set_secret(fixture->http, cases[i]), -EINVAL);
		assert_int_equal(http_new(fixture->loop, &config, &http), -EINVAL);
		assert_null(http);
	}
	request_for(fixture, "/length");
	assert_non_null(
		strstr(raw_server_head(fixture->server, 0), "\r\n" SECRET "\r\n"));
}

static void unusable_ca_files_are_refused(void **state)
{
	static const char *const cases[] = {
		"/nonexistent/ca.pem", "/", "/dev/zero", "/dev/null", "/proc/self/exe"};
	struct http_fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_config config = {.ca_file = cases[i], .connections_max = 1};
		struct http *http = NULL;

		assert_int_equal(http_new(fixture->loop, &config, &http), -EINVAL);
		assert_null(http);
	}
}

/* SEMANTICS 1.1, 2.3: a string that is no http or https URL is refused. */
static void invalid_urls_are_refused(void **state)
{
	static const char *const cases[] = {"", "/v2", "127.0.0.1/v2", "ftp://127.0.0.1/",
		"file:///etc/passwd", "gopher://127.0.0.1/", "http://",
		"http://127.0.0.1:x/", "https://a b/"};
	static const struct http_handlers none = {0};
	struct http_fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request *request = NULL;

		assert_int_equal(
			http_start(fixture->http, "GET", cases[i], &none, NULL, &request),
			-EINVAL);
		assert_null(request);
	}
}

/* SEMANTICS 11.1: a refused connection is reported as unreachable. */
static void no_listener(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	char url[64];

	/*
	 * A port that is bound but not listening is reserved for us and refuses
	 * connections.
	 */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));

	struct test_request *request = fixture_url(*state, "GET", url);

	fixture_until_done(request);
	assert_int_equal(request->result.failure, HTTP_UNREACHABLE);
	assert_int_equal(request->result.status, 0);
	assert_false(request->result.tls_failed);
	assert_string_not_equal(request->result.detail, "");
	close(fd);
}

static void servers_without_tls(void **state)
{
	static const struct raw_route greets[] = {{NULL, BYTES("220 hello\r\n")}};
	struct http_fixture *fixture = fixture_new(greets, NULL);
	char url[64];

	(void)state;
	snprintf(url, sizeof(url), "https%s/", raw_server_origin(fixture->server) + 4);

	struct test_request *request = fixture_url(fixture, "GET", url);

	fixture_until_done(request);
	assert_int_equal(request->result.failure, HTTP_UNREACHABLE);
	assert_true(request->result.tls_failed);
	fixture_free(fixture);
}

/*
 * SEMANTICS 11.1: a request without data fails after stall_ms, not earlier, in every
 * phase.
 */
static void silence_ends(void **state)
{
	static const struct {
		const char *target;
		long status;
	} cases[] = {{"/hold", 0}, {"/hold-in-head", 200}, {"/hold-in-body", 200}};
	struct http_fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_request *request = fixture_get(fixture, cases[i].target);

		fixture_until_requests(fixture, (int)i + 1);
		if (!strcmp(cases[i].target, "/hold-in-body"))
			fixture_until_data(request, 5);
		fixture_forward(fixture, STALL_MS / 2);
		assert_int_equal(request->done, 0);
		while (!request->done)
			fixture_forward(fixture, STALL_MS / 8);
		assert_int_equal(request->done, 1);
		assert_int_equal(request->result.failure, HTTP_SILENT);
		assert_string_not_equal(request->result.detail, "");
		assert_in_range(request->result.elapsed_ms, STALL_MS, STALL_MS * 2);
		if (i != 1)
			assert_int_equal(request->result.status, cases[i].status);
	}
}

/*
 * SEMANTICS 11.1: each byte restarts the stall timeout, and no timeout covers the whole
 * response.
 */
static void a_slow_answer_is_not_a_silent_one(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *request = fixture_get(fixture, "/drip");

	/*
	 * The first step sends the headers; the bytes of the later ones count as the
	 * body.
	 */
	raw_server_step(fixture->server);
	for (size_t i = 1; i < 9; i++) {
		raw_server_step(fixture->server);
		fixture_until_data(request, i * (sizeof(OK "\r\n") - 1));
		fixture_forward(fixture, STALL_MS * 7 / 8);
		assert_int_equal(request->done, 0);
	}
	raw_server_step(fixture->server);
	fixture_until_done(request);
	assert_int_equal(request->result.failure, HTTP_OK);
	assert_true(request->result.elapsed_ms > 6 * STALL_MS);
}

#define http_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		http_test(whole_answers),
		http_test(compression_is_undone),
		http_test(a_redirect_is_the_answer),
		http_test(errors_have_their_body_and_headers),
		http_test(broken_answers),
		http_test(headers_have_a_maximum),
		http_test(error_bodies_have_a_maximum),
		http_test(data_can_be_refused),
		http_test(the_secret_header_goes_with_each_request),
		http_test(unsound_headers_are_refused),
		http_test(unusable_ca_files_are_refused),
		http_test(invalid_urls_are_refused),
		http_test(no_listener),
		http_test(servers_without_tls),
		http_test(silence_ends),
		http_test(a_slow_answer_is_not_a_silent_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
