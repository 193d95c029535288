/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gladia/api_internal.h"

/*
 * Turns failed attempts into an errno and an error message: what failed, and what to do.
 */

/* Limits for quoting a server's error message. */
enum { MESSAGE_MAX = 240, REQUEST_ID_MAX = 64 };

static const char advice_network[] = "check the network and the address";
static const char advice_tls[] =
	"check this machine's clock, and ca_file= if the server has its own authority";
static const char advice_silence[] = "check the network; timeout= sets how long to wait";
static const char advice_broken[] = "check the network and any proxy in between";
static const char advice_limit[] = "ask for fewer jobs a page (page_size=)";
static const char advice_key[] = "check the API key";
static const char advice_not_found[] =
	"it does not exist, or this key has no access to it";
static const char advice_unfinished[] =
	"only finished jobs can be deleted: wait until it is done or failed";
static const char advice_proxy[] = "check the proxy (https_proxy, or -o proxy=)";
static const char advice_proxy_login[] =
	"mount again with the proxy's user name and password in https_proxy "
	"(http://USER:PASSWORD@HOST:PORT)";
static const char advice_slow[] = "use fewer connections (connections=), or wait";
static const char advice_later[] = "try again later";
static const char advice_address[] = "check the address (SOURCE)";
static const char advice_redirect[] =
	"redirects are not followed with the key: check the address (SOURCE)";

const char api_advice_other[] =
	"check the address (SOURCE), and any proxy in between that may answer instead";

/* FINAL: another attempt would fail, too. SLOW: all calls must slow down. */
enum retry { FINAL, RETRY, SLOW };

/*
 * Meaning of HTTP statuses. A row without words applies to its whole class and comes
 * after the class's other rows.
 */
static const struct meaning {
	long status;
	const char *words;
	int error;
	enum retry retry;
	const char *advice;
} meanings[] = {
	{301, "Moved Permanently", -EIO, FINAL, advice_redirect},
	{302, "Found", -EIO, FINAL, advice_redirect},
	{303, "See Other", -EIO, FINAL, advice_redirect},
	{307, "Temporary Redirect", -EIO, FINAL, advice_redirect},
	{308, "Permanent Redirect", -EIO, FINAL, advice_redirect},
	{300, "", -EIO, FINAL, advice_redirect},
	{400, "Bad Request", -EINVAL, FINAL, advice_limit},
	{401, "Unauthorized", -EACCES, FINAL, advice_key},
	{403, "Forbidden", -EACCES, FINAL, advice_key},
	{404, "Not Found", -ENOENT, FINAL, advice_not_found},
	{405, "Method Not Allowed", -EIO, FINAL, advice_address},
	{407, "Proxy Authentication Required", -EIO, FINAL, advice_proxy_login},
	{408, "Request Timeout", -EIO, RETRY, advice_later},
	{410, "Gone", -EIO, FINAL, advice_address},
	{413, "Content Too Large", -EIO, FINAL, advice_limit},
	{422, "Unprocessable Content", -EINVAL, FINAL, advice_limit},
	{429, "Too Many Requests", -EBUSY, SLOW, advice_slow},
	{400, "", -EIO, FINAL, advice_address},
	{500, "Internal Server Error", -EIO, RETRY, advice_later},
	{501, "Not Implemented", -EIO, FINAL, advice_address},
	{502, "Bad Gateway", -EIO, RETRY, advice_later},
	{503, "Service Unavailable", -EIO, SLOW, advice_later},
	{504, "Gateway Timeout", -EIO, RETRY, advice_later},
	{505, "HTTP Version Not Supported", -EIO, FINAL, advice_later},
	{500, "", -EIO, RETRY, advice_later},
	{0, "", -EIO, FINAL, advice_address},
};

/* Returns the first row that applies to `status`; the last row applies to any. */
static const struct meaning *error_meaning_of(long status)
{
	const struct meaning *row = meanings;

	for (; row->status; row++) {
		bool class = !row->words[0];

		if (row->status == (class ? status / 100 * 100 : status))
			break;
	}
	return row;
}

void api_status_print(long status, char text[static API_STATUS_TEXT])
{
	const char *words = error_meaning_of(status)->words;

	(void)snprintf(
		text, API_STATUS_TEXT, "%ld%s%s", status, words[0] ? " " : "", words);
}

void api_clean(char *text, const char *key)
{
	size_t len = key ? strlen(key) : 0;

	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (!len)
		return;
	for (char *c = text; (c = strstr(c, key)); c += len)
		memset(c, '*', len);
}

int api_fail(struct api_failure *failure, int error, const char *advice,
	const char *format, ...)
{
	va_list args;

	*failure = (struct api_failure){
		.error = error, .advice = advice, .retry_after_ms = -1};
	va_start(args, format);
	(void)vsnprintf(failure->reason, sizeof(failure->reason), format, args);
	va_end(args);
	api_clean(failure->reason, NULL);
	return error;
}

DEFINE_CLEANUP(error_cleanup_json, cJSON *, cJSON_Delete)

/*
 * Appends an error body's "message", a string or an array of strings. If memory is short,
 * the rest is left out.
 */
static void error_append_message(const cJSON *message, struct buf *out)
{
	const cJSON *part = cJSON_IsArray(message) ? message->child : message;

	for (; part; part = cJSON_IsArray(message) ? part->next : NULL) {
		const char *text = cJSON_GetStringValue(part);

		if (!text || !*text)
			continue;
		if (out->len)
			(void)buf_append_str(out, "; ");
		(void)buf_append_str(out, text);
	}
}

/* Members of the JSON body of an error; "" if absent. */
struct error_body {
	char message[MESSAGE_MAX + 4];
	char request_id[REQUEST_ID_MAX + 1];
};

/* Copies at most `max` bytes. The key is redacted first: a cut could leave half of it. */
static void error_keep_clean(const char *key, char *text, size_t max, char *ret_kept)
{
	api_clean(text, key);
	(void)snprintf(ret_kept, max + 4, "%.*s%s", (int)max, text,
		strlen(text) > max ? "..." : "");
}

static void error_read_body(
	const struct http_result *result, const char *key, struct error_body *ret_body)
{
	CLEANUP(error_cleanup_json)
	cJSON *json = cJSON_ParseWithLength(result->body, result->body_len);
	CLEANUP(buf_done) struct buf text;
	char *id = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(json, "request_id"));

	/* http limits the size of an error body; the factor leaves room for each "; ". */
	buf_init(&text, 4 * result->body_len);
	*ret_body = (struct error_body){0};
	error_append_message(cJSON_GetObjectItemCaseSensitive(json, "message"), &text);
	if (text.len)
		error_keep_clean(key, text.data, MESSAGE_MAX, ret_body->message);
	if (id && strlen(id) <= REQUEST_ID_MAX) {
		api_clean(id, key);
		strcpy(ret_body->request_id, id);
	}
}

static void error_fail_status(
	struct api_failure *failure, const struct http_result *result, const char *key)
{
	const struct meaning *meaning = error_meaning_of(result->status);
	struct error_body body = {0};
	char status[API_STATUS_TEXT];
	char wait[48] = "";

	if (key)
		error_read_body(result, key, &body);
	if (key && result->request_id[0]) {
		(void)snprintf(body.request_id, sizeof(body.request_id), "%s",
			result->request_id);
		api_clean(body.request_id, key);
	}
	api_status_print(result->status, status);
	if (result->retry_after_ms > 0)
		(void)snprintf(wait, sizeof(wait), ", and asks to wait %" PRId64 " s",
			(result->retry_after_ms + 999) / 1000);
	api_fail(failure, meaning->error, meaning->advice,
		"the server answered %s%s%s%s%s%s%s%s", status,
		body.message[0] ? ": \"" : "", body.message, body.message[0] ? "\"" : "",
		body.request_id[0] ? " (request " : "", body.request_id,
		body.request_id[0] ? ")" : "", wait);
	failure->again = meaning->retry != FINAL;
	failure->slow_all = meaning->retry == SLOW;
	failure->retry_after_ms = result->retry_after_ms;
}

/*
 * Retries only if that can help: a proxy that requires a password or forbids the host
 * will do so again.
 */
static void error_fail_proxy(struct api_failure *failure, long proxy_status)
{
	char status[API_STATUS_TEXT];

	api_status_print(proxy_status, status);
	api_fail(failure, -EHOSTUNREACH,
		proxy_status == 407 ? advice_proxy_login : advice_proxy,
		"the proxy answered %s", status);
	failure->again = error_meaning_of(proxy_status)->retry != FINAL;
}

void api_fail_result(
	struct api_failure *failure, const struct http_result *result, const char *key)
{
	char detail[256];

	/* The status of an error counts even if its body was not received completely. */
	if (result->failure == HTTP_OK || result->status >= 300) {
		error_fail_status(failure, result, key);
		return;
	}
	(void)snprintf(detail, sizeof(detail), "%s", result->detail);
	api_clean(detail, key);
	if (result->tls_failed)
		api_fail(failure, -EHOSTUNREACH, advice_tls, "TLS failed: %s", detail);
	else if (result->proxy_status)
		error_fail_proxy(failure, result->proxy_status);
	else if (result->failure == HTTP_UNREACHABLE)
		api_fail(failure, -EHOSTUNREACH, advice_network, "no connection: %s",
			detail);
	else if (result->failure == HTTP_SILENT)
		api_fail(failure, -ETIMEDOUT, advice_silence,
			"no data from the server: %s", detail);
	else
		api_fail(failure, -EIO, advice_broken, "the response is broken: %s",
			detail);
	if (!result->proxy_status)
		failure->again = !result->tls_failed;
}

void api_fail_unfinished(struct api_failure *failure)
{
	failure->error = -EBUSY;
	failure->advice = advice_unfinished;
}

void api_fail_unclear(struct api_failure *failure, long status)
{
	char text[API_STATUS_TEXT];

	api_status_print(status, text);
	api_fail(failure, -EIO, api_advice_other,
		"the server answered %s, which does not confirm that the job was deleted",
		text);
	failure->again = true;
	failure->bad_body = true;
}

void api_fail_slowed(struct api_failure *failure, long status, int64_t wait_ms)
{
	const struct meaning *meaning = error_meaning_of(status);
	char text[API_STATUS_TEXT];

	api_status_print(status, text);
	api_fail(failure, meaning->error, meaning->advice,
		"the server answered %s to other requests, and all requests have to wait "
		"%" PRId64 " s more",
		text, (wait_ms + 999) / 1000);
}

void api_fail_silence(struct api_failure *failure, int64_t timeout_ms)
{
	api_fail(failure, -ETIMEDOUT, advice_silence,
		"the server did not answer within %" PRId64 " s",
		(timeout_ms + 999) / 1000);
}
