/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/log.h"
#include "gladia/job.h"
#include "gladia/metadata.h"
#include "gladia/query.h"
#include "loop/loop.h"

/*
 * The Gladia v2 API's pre-recorded jobs. A call retries by itself, with back-off and the
 * server's Retry-After (which slows all calls together), and ends by timeout_ms from its
 * start, whatever the server does. The key goes to `origin` alone: redirects are not
 * followed, and of a page's `next` nothing is used but to see that it advances.
 */
struct api;
struct api_call;

enum {
	API_ITEM_MAX = 64 << 20,  /* bytes of one job as it comes, and as it is printed */
	API_FRAME_MAX = 64 << 10, /* bytes of a page around its items */
	API_PAGE_ITEMS_MAX = 100000, /* jobs of a page, however many were asked for */
	API_LIMIT_DEFAULT = 20,      /* jobs a page if none are asked for */
	API_WHY_MAX = 1024,          /* bytes of a sentence */
	/*
	 * Calls under way at a time; more wait in line. Generous, so that calls that
	 * stall never keep others waiting: limiting what is read ahead is the caller's.
	 */
	API_REQUESTS_MAX = 512,
};

struct api_config {
	const char *origin;    /* "https://api.gladia.io", no slash at the end */
	const char *key;       /* copied, wiped */
	const char *key_place; /* for messages: where the key is from; NULL: not known */
	const char *ca_file;   /* or NULL */
	const char *proxy;     /* as in http.h */
	int connections;       /* option connections=: so many are kept open while idle */
	int64_t timeout_ms;    /* the longest a call takes */
};

/* One job as it came. */
struct api_item {
	struct job job;
	const char *text; /* as `jq .` prints it; valid during the call */
	size_t size;
	const char *metadata; /* metadata_flatten()'s; valid during the call */
	size_t metadata_len;
	/* Of a list: a done job without result.transcription; `text` is not all of it. */
	bool summary;
};

/* What is known of a page when it has ended. */
struct api_page {
	unsigned items;     /* that came, those refused included */
	bool last;          /* `next` is null: the only word for the end */
	uint64_t next;      /* the offset that `next` names; 0: none, or it is missing */
	uint64_t bytes;     /* of the page, uncompressed */
	int64_t elapsed_ms; /* of the attempt that succeeded */
	long status; /* of api_delete() only: the HTTP status that it succeeded with */
};

/*
 * on_item is called for each job in the page's order; `item` is NULL for one whose id
 * cannot be a file's name (with a sentence in the log). A negative errno ends the call
 * with it. After on_restart the page begins anew: what it brought so far comes again. Who
 * is not interested in jobs leaves both NULL.
 *
 * on_done comes exactly once, unless the call was cancelled; the call is freed after it.
 * error: 0, or
 *   -EACCES        401, 403
 *   -ENOENT        404; of a list too: whether that is its end is for the caller to say
 *   -EINVAL        400, 422 (a list's limit too high)
 *   -EBUSY         429; of api_delete() also 403
 *   -ETIMEDOUT     silence
 *   -EHOSTUNREACH  no connection, TLS refused
 *   -ENOMEM
 *   -EIO           all else: other statuses, broken connections, what is no such page or
 *                  job, a page that is an error (`statusCode`), a `next` that does not
 *                  advance (SPEC 6.6)
 *   what on_item gave
 * Where attempts failed in different ways the last one counts. `page` is NULL on failure
 * and for api_get(). `why` is "", or on failure one sentence: what was tried, why it
 * failed, what to do; in printable ASCII, never with the key. It is for the caller to
 * log. Both are valid during on_done.
 *
 * All three are called from the loop's turn, never from within api_list() and its like,
 * and may start and cancel calls (but see api_cancel()). None may free the api.
 */
struct api_handlers {
	int (*on_item)(void *ctx, const struct api_item *item);
	void (*on_restart)(void *ctx); /* of api_list() only */
	void (*on_done)(
		void *ctx, int error, const struct api_page *page, const char *why);
};

/*
 * Strings are copied; loop and log are kept by reference. 0; -ENOMEM; -EINVAL where
 * ca_file holds no certificate or the key is no header's value. A loop bears one api.
 */
int api_new(struct loop *loop, const struct log *log, const struct api_config *config,
	struct api **ret_api);

/*
 * Has on_reach called whenever an attempt of any call ends: `reached` where the server
 * answered, whatever it says; else there was no connection, TLS was refused or nothing
 * came for too long, and `why` says that in words. It comes before the call's own
 * handlers, and must not begin or cancel calls. NULL: nobody is told any more.
 */
void api_watch(struct api *api,
	void (*on_reach)(void *ctx, bool reached, const char *why), void *ctx);

/* All calls must have ended or been cancelled. NULL is fine. */
void api_free(struct api *api);

/*
 * The key for all requests from now on (SIGHUP), retries of calls under way included; a
 * server's wish to wait, made to the old key, is forgotten. 0, -ENOMEM, -EINVAL.
 */
int api_set_key(struct api *api, const char *key);

/*
 * One page of one span of a query (query_print_url()); `query` is not kept. 0; -ENOMEM;
 * -EINVAL where `origin` makes no URL.
 */
int api_list(struct api *api, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, const struct api_handlers *handlers, void *ctx,
	struct api_call **ret_call);

/*
 * One job by its id: on_item once, then on_done. An answer that is another job is -EIO.
 * 0; -ENOMEM; -EINVAL for an empty id, or as api_list().
 */
int api_get(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call);

/*
 * Deletes one job: on_done alone. 0 where it is deleted, also where an attempt whose
 * answer was lost has done so; -EBUSY where it is not finished yet (403); -ENOENT where
 * somebody else was first. After other errors it may be deleted or not. A call that is
 * cancelled may still delete. 0; -ENOMEM; -EINVAL as api_get().
 */
int api_delete(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call);

/*
 * Ends a call without on_done and frees it. Not from within its own on_item or
 * on_restart; within its on_done it changes nothing. Never waits.
 */
void api_cancel(struct api_call *call);

/* How often a status was answered; status 0: others, beyond API_STATUSES_MAX. */
enum { API_STATUSES_MAX = 24 };
struct api_status {
	long status;
	uint64_t answers;
};

/*
 * What the API was asked since api_new(), attempts counted one by one. Those cancelled or
 * under way are in `requests` alone.
 */
struct api_stats {
	uint64_t requests;
	uint64_t answers_2xx;
	uint64_t answers_4xx; /* but 429 */
	uint64_t answers_429;
	uint64_t answers_5xx;
	uint64_t answers_other; /* redirects, and what is no status */
	uint64_t failed;        /* no whole answer came */
	uint64_t retries;       /* attempts after a call's first */
	uint64_t bytes;         /* of answers' bodies on the wire, of those that ended */
	struct api_status statuses[API_STATUSES_MAX + 1]; /* as they came first */
	unsigned statuses_len;
	struct histogram latency; /* of attempts that were answered */
	unsigned calls;           /* under way, those that wait for an attempt included */
	int64_t slowed_ms; /* how long the server has asked all to wait, from now */
};

void api_stats(const struct api *api, struct api_stats *ret_stats);
