/* SPDX-License-Identifier: MIT */
/* Receives responses in libcurl's callbacks and determines the result of a request. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include "base/array.h"
#include "http/http_internal.h"
#include "http/retry.h"

/* Maps libcurl's codes to ours; all codes that are not listed are HTTP_BROKEN. */
static const struct meaning {
	CURLcode code;
	enum http_failure failure;
	bool tls; /* the certificate or TLS failed */
} meanings[] = {
	{CURLE_OK, HTTP_OK, false},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_UNREACHABLE, false},
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_UNREACHABLE, false},
	{CURLE_COULDNT_CONNECT, HTTP_UNREACHABLE, false},
	{CURLE_INTERFACE_FAILED, HTTP_UNREACHABLE, false},
	{CURLE_PROXY, HTTP_UNREACHABLE, false},
	{CURLE_SSL_CONNECT_ERROR, HTTP_UNREACHABLE, true},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_UNREACHABLE, true},
	{CURLE_SSL_CERTPROBLEM, HTTP_UNREACHABLE, true},
	{CURLE_SSL_CIPHER, HTTP_UNREACHABLE, true},
	{CURLE_SSL_CACERT_BADFILE, HTTP_UNREACHABLE, true},
	{CURLE_SSL_CRL_BADFILE, HTTP_UNREACHABLE, true},
	{CURLE_SSL_ISSUER_ERROR, HTTP_UNREACHABLE, true},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_UNREACHABLE, true},
	{CURLE_SSL_ENGINE_INITFAILED, HTTP_UNREACHABLE, true},
	{CURLE_OPERATION_TIMEDOUT, HTTP_SILENT, false},
};

static const struct meaning *response_meaning_of(CURLcode code)
{
	static const struct meaning unknown = {CURLE_OK, HTTP_BROKEN, false};

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (meanings[i].code == code)
			return &meanings[i];
	}
	return &unknown;
}

static long response_status_of(CURL *easy)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Copies the printable ASCII characters, truncated to `size` bytes including the NUL. */
static void response_copy_printable(char *to, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		if (from[i] >= ' ' && from[i] <= '~')
			to[n++] = from[i];
	}
	to[n] = '\0';
}

/* If the header in `line` is called `name`, stores its value in `to`. */
static void response_keep_value(char *to, const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	if (len <= name_len || strncasecmp(line, name, name_len) != 0 ||
		line[name_len] != ':')
		return;
	line += name_len + 1;
	len -= name_len + 1;
	while (len && isspace((unsigned char)*line)) {
		line++;
		len--;
	}
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	response_copy_printable(to, HTTP_VALUE_MAX + 1, line, len);
}

static size_t response_on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct http_response *answer = ctx;
	size_t len = size * count;

	if (answer->cut)
		return CURL_WRITEFUNC_ERROR;
	answer->received_ms = clock_mono_ms(answer->clock);
	answer->headers_len += len;
	if (answer->headers_len > HTTP_HEADERS_MAX) {
		answer->cut = HTTP_CUT_HEADERS;
		return CURL_WRITEFUNC_ERROR;
	}
	/* A status line: forget the headers of an interim response (1xx) before it. */
	if (len > 5 && !memcmp(line, "HTTP/", 5)) {
		answer->retry_after[0] = '\0';
		answer->request_id[0] = '\0';
		answer->encoding[0] = '\0';
		answer->date[0] = '\0';
	}
	response_keep_value(answer->retry_after, line, len, "retry-after");
	response_keep_value(answer->request_id, line, len, "x-request-id");
	response_keep_value(answer->encoding, line, len, "content-encoding");
	response_keep_value(answer->date, line, len, "date");
	return len;
}

/* Stores the body of a response, up to the buffer's maximum. */
static enum http_cut response_keep_body(
	struct http_response *answer, const char *data, size_t len)
{
	size_t room = answer->body.max - answer->body.len;
	int err = buf_append(&answer->body, data, MIN(len, room));

	if (err)
		return HTTP_CUT_MEMORY;
	return len > room ? HTTP_CUT_ENOUGH : HTTP_CUT_NONE;
}

/* Takes `len` bytes from the budget of this turn. Returns false if it is used up. */
static bool response_spend(struct http_budget *budget, size_t len)
{
	uint64_t turn = loop_turns(budget->loop);
	int64_t now_ms = loop_now_ms(budget->loop);

	if (budget->turn != turn)
		*budget = (struct http_budget){
			.loop = budget->loop, .turn = turn, .began_ms = now_ms};
	if (budget->taken >= HTTP_TURN_BYTES || now_ms - budget->began_ms >= HTTP_TURN_MS)
		return false;
	budget->taken += len;
	return true;
}

static size_t response_on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct http_response *answer = ctx;
	size_t len = size * count;

	if (answer->cut)
		return CURL_WRITEFUNC_ERROR;
	answer->received_ms = clock_mono_ms(answer->clock);
	if (!response_spend(answer->budget, len)) {
		answer->on_paused(answer);
		return CURL_WRITEFUNC_PAUSE;
	}
	if (response_status_of(answer->easy) / 100 != 2 || !answer->handlers->on_data) {
		answer->cut = response_keep_body(answer, data, len);
		return answer->cut ? CURL_WRITEFUNC_ERROR : len;
	}
	answer->error = answer->handlers->on_data(answer->ctx, data, len);
	if (!answer->error)
		return len;
	answer->cut = HTTP_CUT_REFUSED;
	return CURL_WRITEFUNC_ERROR;
}

void http_response_init(struct http_response *answer, CURL *easy,
	struct http_budget *budget, void (*on_paused)(struct http_response *answer),
	const struct http_handlers *handlers, void *ctx, size_t body_max)
{
	const struct clock *clock = loop_clock(budget->loop);

	*answer = (struct http_response){
		.clock = clock,
		.budget = budget,
		.on_paused = on_paused,
		.handlers = handlers,
		.ctx = ctx,
		.easy = easy,
		.received_ms = clock_mono_ms(clock),
	};
	buf_init(&answer->body, body_max);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, response_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, answer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, response_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, answer->detail);
}

void http_response_done(struct http_response *answer)
{
	buf_done(&answer->body);
}

/* Returns the status with which a proxy rejected CONNECT, or 0 if none did. */
static long response_refused_by_proxy(CURL *easy, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return code && status >= 300 ? status : 0;
}

/*
 * Returns how a request ended, and a description in `ret_detail`. If we ended it
 * ourselves, libcurl's code says only that, so we use our own reason.
 */
static enum http_failure response_failure_of_cut(
	struct http_response *answer, CURLcode code, const char **ret_detail)
{
	switch (answer->cut) {
	case HTTP_CUT_REFUSED:
		*ret_detail = "the response was rejected while it was received";
		return HTTP_REFUSED;
	case HTTP_CUT_ENOUGH:
		*ret_detail = "";
		return HTTP_OK;
	case HTTP_CUT_HEADERS:
		*ret_detail = "the response headers are too long";
		return HTTP_BROKEN;
	case HTTP_CUT_MEMORY:
		*ret_detail = "out of memory";
		return HTTP_BROKEN;
	case HTTP_CUT_SILENT:
		*ret_detail = "no data was received for too long";
		return HTTP_SILENT;
	case HTTP_CUT_NONE:
		break;
	}
	if (!code)
		*ret_detail = "";
	else
		*ret_detail = answer->detail[0] ? answer->detail
						: curl_easy_strerror(code);
	/* If a proxy rejects CONNECT, libcurl reports a broken response. */
	return response_refused_by_proxy(answer->easy, code)
		       ? HTTP_UNREACHABLE
		       : response_meaning_of(code)->failure;
}

/* Copies the version that the status line has: "HTTP/1.1", "HTTP/2". */
static void response_version(CURL *easy, char version[static 16])
{
	static const struct {
		long curl;
		const char *name;
	} versions[] = {
		{CURL_HTTP_VERSION_1_0, "HTTP/1.0"},
		{CURL_HTTP_VERSION_1_1, "HTTP/1.1"},
		{CURL_HTTP_VERSION_2_0, "HTTP/2"},
		{CURL_HTTP_VERSION_3, "HTTP/3"},
	};
	long number = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &number);
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i].curl == number)
			strcpy(version, versions[i].name);
}

static int64_t response_server_ms(const char *date)
{
	time_t seconds = *date ? curl_getdate(date, NULL) : -1;

	return seconds < 0 ? -1 : (int64_t)seconds * 1000;
}

void http_response_result(
	struct http_response *answer, CURLcode code, struct http_result *ret_result)
{
	struct http_result *result = ret_result;
	curl_off_t bytes = 0;

	*result = (struct http_result){
		.error = answer->error,
		.status = response_status_of(answer->easy),
		.body = answer->body.data ? answer->body.data : "",
		.body_len = answer->body.len,
		.retry_after_ms = -1,
		.server_ms = response_server_ms(answer->date),
	};
	/* libcurl's error message may quote the server, so remove control characters. */
	response_copy_printable(answer->detail, sizeof(answer->detail), answer->detail,
		strlen(answer->detail));
	result->failure = response_failure_of_cut(answer, code, &result->detail);
	if (result->failure == HTTP_UNREACHABLE)
		result->proxy_status = response_refused_by_proxy(answer->easy, code);
	result->tls_failed = result->failure == HTTP_UNREACHABLE &&
			     response_meaning_of(code)->tls;
	/* A connection that does not answer is ended by us (HTTP_CUT_SILENT). */
	result->unconnected =
		result->failure == HTTP_UNREACHABLE ||
		(result->failure == HTTP_SILENT && answer->cut == HTTP_CUT_NONE);
	if (answer->retry_after[0])
		result->retry_after_ms = retry_after_parse(
			answer->retry_after, clock_wall_ms(answer->clock));
	memcpy(result->request_id, answer->request_id, sizeof(answer->request_id));
	memcpy(result->retry_after, answer->retry_after, sizeof(answer->retry_after));
	memcpy(result->encoding, answer->encoding, sizeof(answer->encoding));
	if (result->status)
		response_version(answer->easy, result->version);
	curl_easy_getinfo(answer->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	result->bytes = (uint64_t)bytes;
}
