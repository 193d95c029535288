/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "gladia/job.h"
#include "gladia/query.h"
#include "http/loop.h"

/*
 * The Gladia v2 API's pre-recorded jobs. A call retries by itself, with back-off and the
 * server's Retry-After, until its time is up; then it fails once, with one sentence in
 * the log that names the request, the reason and the remedy.
 */
struct api;
struct api_call;

enum {
	API_ITEM_MAX = 64 << 20,  /* bytes of one job as it comes, and as it is printed */
	API_FRAME_MAX = 64 << 10, /* bytes of a page around its items */
	API_LIMIT_DEFAULT = 20,   /* jobs a page if none are asked for */
};

struct api_config {
	const char *origin;  /* "https://api.gladia.io", no slash at the end */
	const char *key;     /* copied, wiped */
	const char *ca_file; /* or NULL */
	int connections;     /* option connections=; demands may go beyond, see api.c */
	int64_t timeout_ms;  /* the longest a call keeps trying */
};

/* One job as it came. */
struct api_item {
	struct job job;
	const char *text; /* as `jq .` prints it; valid during the call */
	size_t size;
	bool summary; /* a done job without result.transcription: `text` is not all of it
		       */
};

/* What is known of a page when it has ended. */
struct api_page {
	unsigned items;     /* that came, those refused included */
	bool last;          /* `next` is null, or the page is empty */
	uint64_t bytes;     /* of the page, uncompressed */
	int64_t elapsed_ms; /* of the attempt that succeeded */
};

/*
 * on_item is called for each job in the page's order; `item` is NULL for one that was
 * refused (with a sentence in the log). A negative errno ends the call with it. After
 * on_restart the page begins anew: what it brought so far comes again.
 *
 * on_done comes exactly once, unless the call was cancelled; the call is freed after it.
 * error: 0, or
 *   -EACCES 401, 403; -ENOENT 404; -EINVAL 400, 422 (a list's limit too high);
 *   -EBUSY 429; -ETIMEDOUT silence; -EHOSTUNREACH no connection; -EIO all else.
 * `page` is NULL on failure and for api_get().
 */
struct api_handlers {
	int (*on_item)(void *ctx, const struct api_item *item);
	void (*on_restart)(void *ctx);
	void (*on_done)(void *ctx, int error, const struct api_page *page);
};

/* Strings are copied; loop and log are kept by reference. 0, -ENOMEM, -EINVAL. */
int api_new(struct loop *loop, const struct log *log, const struct api_config *config,
	struct api **ret_api);

/* All calls must have ended or been cancelled. */
void api_free(struct api *api);

/* One page of one span of a query (query_print_url()). 0 or -ENOMEM. */
int api_list(struct api *api, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, const struct api_handlers *handlers, void *ctx,
	struct api_call **ret_call);

/* One job by its id. 0 or -ENOMEM. */
int api_get(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call);

/* Ends a call without on_done and frees it. Not from within its on_item. */
void api_cancel(struct api_call *call);
