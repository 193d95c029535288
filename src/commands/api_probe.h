/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "config/options.h"

/*
 * Sends single requests to the API for --check --api and keeps what the API client hides:
 * the status of each response, the page's `next`, and headers. Blocks until a response is
 * there, at most for the timeout of the options. Never sends more than PROBE_REQUESTS_MAX
 * requests.
 */
struct api_probe;

enum {
	PROBE_REQUESTS_MAX = 30,
	PROBE_PAGE_MAX = 64 << 20, /* bytes of a page; the rest is not read */
	PROBE_NEXT_MAX = 1024,     /* bytes of `next`, with the NUL */
};

enum probe_next { PROBE_NEXT_NULL, PROBE_NEXT_SET, PROBE_NEXT_MISSING };

/* Properties of the response to a list request. */
struct probe_page {
	long status;          /* HTTP status; unless it is 200, no other member is set */
	unsigned items;       /* number of jobs, or of those before `cut` */
	bool cut;             /* the page is longer than PROBE_PAGE_MAX */
	enum probe_next next; /* PROBE_NEXT_SET if the page is cut */
	char next_url[PROBE_NEXT_MAX]; /* `next`, or "" if it is null or too long */
};

/* Properties of all responses so far. */
struct probe_facts {
	unsigned requests;
	char version[16];     /* HTTP version of the last response, or "" */
	char encoding[64];    /* Content-Encoding of the last page that had one, or "" */
	char retry_after[64]; /* the last Retry-After, or "" */
	long slowed;          /* status of the last response that was 429 or 503, or 0 */
};

/*
 * Creates a probe for the API of `options`. Release it with api_probe_free(). Returns 0,
 * -ENOMEM, or -EINVAL if ca_file= or the key cannot be used.
 */
int api_probe_new(
	const struct options *options, const char *key, struct api_probe **ret_probe);
void api_probe_free(struct api_probe *probe);

/*
 * Lists jobs. `parameters` is the query of the URL. on_item() is called for each job with
 * its JSON as json_print() formats it, which is valid during the call.
 *
 * Returns 0 if there is a response, whatever its status is; -EDQUOT if no request is
 * left, -EIO if the response is broken or no page, -EHOSTUNREACH if there is none,
 * -ETIMEDOUT, or -ENOMEM.
 */
int api_probe_list(struct api_probe *probe, const char *parameters,
	void (*on_item)(void *ctx, const char *text, size_t len), void *ctx,
	struct probe_page *ret_page);

/*
 * Gets one job and replaces the contents of `text` by its JSON, as json_print() formats
 * it. Returns what api_probe_list() returns, and -EIO also for any status but 200.
 */
int api_probe_get(struct api_probe *probe, const char *id, struct buf *text);

/* Returns what was seen so far; valid until api_probe_free(). */
const struct probe_facts *api_probe_facts(const struct api_probe *probe);

/* Returns libcurl's description of the last failure, or "". */
const char *api_probe_detail(const struct api_probe *probe);
