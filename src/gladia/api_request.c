/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gladia/api_internal.h"
#include "http/url.h"

/* Builds the URLs of requests and their descriptions for messages. */

/* Bytes of an id in a description; a longer one is cut off. */
enum { ID_SHOWN_MAX = 100 };

/*
 * Appends the filters of a URL in readable form:
 * "&status=done&after_date=2026-04-01T00%3A00..." becomes ", status=done,
 * after_date=2026-04-01T00:00...)".
 */
static void request_describe_filters(const char *filters, char *text, size_t size)
{
	size_t len = strlen(text);

	for (const char *c = filters; *c && len + 2 < size; c++) {
		if (*c == '&') {
			text[len++] = ',';
			text[len++] = ' ';
		} else if (!strncmp(c, "%3A", 3)) {
			text[len++] = ':';
			c += 2;
		} else {
			text[len++] = *c;
		}
	}
	(void)snprintf(text + len, size - len, ")");
}

int api_request_list(const char *list_url, const struct query *query, unsigned span,
	uint64_t offset, unsigned limit, struct api_request *ret_request)
{
	CLEANUP(buf_done) struct buf url;
	CLEANUP(buf_done) struct buf base;
	int err;

	ret_request->method = "GET";
	buf_init(&url, API_URL_MAX);
	buf_init(&base, API_URL_MAX);
	err = buf_printf(&url, "%s?", list_url);
	if (!err)
		err = query_print_url(query, span, offset, limit, &url);
	if (!err)
		err = buf_printf(
			&base, "%s?offset=%" PRIu64 "&limit=%u", list_url, offset, limit);
	if (err)
		return -ENOMEM;
	(void)snprintf(ret_request->description, sizeof(ret_request->description),
		"listing jobs (offset %" PRIu64 ", limit %u", offset, limit);
	request_describe_filters(url.data + base.len, ret_request->description,
		sizeof(ret_request->description));
	ret_request->url = cleanup_take(&url.data);
	return 0;
}

static int request_of_job(const char *list_url, const char *id, const char *verb,
	struct api_request *ret_request)
{
	CLEANUP(buf_done) struct buf url;
	int err;

	buf_init(&url, API_URL_MAX);
	err = buf_printf(&url, "%s/", list_url);

	size_t start = url.len;

	if (!err)
		err = http_url_print_encoded(id, strlen(id), &url);
	if (err)
		return -ENOMEM;
	(void)snprintf(ret_request->description, sizeof(ret_request->description),
		"%s job %.*s%s", verb, ID_SHOWN_MAX, url.data + start,
		url.len - start > ID_SHOWN_MAX ? "..." : "");
	ret_request->url = cleanup_take(&url.data);
	ret_request->id = strdup(id);
	return ret_request->id ? 0 : -ENOMEM;
}

int api_request_job(const char *list_url, const char *id, struct api_request *ret_request)
{
	ret_request->method = "GET";
	return request_of_job(list_url, id, "getting", ret_request);
}

int api_request_delete(
	const char *list_url, const char *id, struct api_request *ret_request)
{
	ret_request->method = "DELETE";
	return request_of_job(list_url, id, "deleting", ret_request);
}

void api_request_done(struct api_request *request)
{
	free(request->url);
	free(request->id);
}
