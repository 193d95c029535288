/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/log.h"
#include "gladia/facts.h"
#include "gladia/job.h"
#include "gladia/metadata.h"
#include "gladia/query.h"
#include "loop/loop.h"

/*
 * Client of the Gladia v2 API for pre-recorded jobs or live sessions. A call retries by
 * itself, with back-off, and honours Retry-After, which delays all calls. It ends at the
 * latest `timeout_ms` after its start, whatever the server does.
 *
 * The API key is sent only to `origin`: redirects are not followed, and a page's `next`
 * URL is never requested. We read only the offset from it, to see that it advances.
 */
struct api;
struct api_call;

enum {
	API_ITEM_MAX = 64 << 20,     /* bytes of one job, as received and as printed */
	API_FRAME_MAX = 64 << 10,    /* bytes of a page apart from its items */
	API_PAGE_ITEMS_MAX = 100000, /* jobs accepted in one page */
	API_LIMIT_DEFAULT = 20,      /* jobs per page if the request sets no limit */
	API_ERRMSG_MAX = 1024,       /* bytes of an error message, with the NUL */
	/*
	 * Number of calls with a request in flight; more calls are queued. The limit is
	 * high so that stalled calls do not block others: it is the caller that limits
	 * how much is read ahead.
	 */
	API_REQUESTS_MAX = 512,
};

struct api_config {
	const char *origin; /* API URL without a final slash: "https://api.gladia.io" */
	bool live;          /* live sessions instead of pre-recorded jobs */
	const char *key;    /* API key; copied, and wiped by api_free() */
	const char *key_place; /* source of the key, for messages; NULL if unknown */
	const char *ca_file;   /* certificates to trust, or NULL for the system's */
	const char *proxy;  /* URL; "" for none; NULL for the environment's https_proxy */
	int connections;    /* option connections=: idle connections kept open */
	int64_t timeout_ms; /* maximum duration of a call */
	/*
	 * After a call has failed because there was no connection, others fail at once
	 * for ten seconds, or until the server answers.
	 */
	bool fail_fast;
};

/* A job that the API returned. */
struct api_item {
	struct job job;
	const char *text; /* its JSON as `jq .` prints it; valid during the callback */
	size_t size;
	const char *metadata; /* from metadata_flatten(); valid during the callback */
	size_t metadata_len;
	const struct job_facts *facts; /* valid during the callback */
	/*
	 * In a list: the job is done, but the API left out result.transcription, so that
	 * `text` is incomplete.
	 */
	bool summary;
	int64_t asked_ms; /* wall time at which the request was sent */
};

/* Summary of a page that was read to its end. */
struct api_page {
	unsigned items;     /* number of jobs in the page, rejected ones included */
	bool last;          /* `next` is null; this alone marks the last page */
	uint64_t next;      /* offset in `next`; 0 if there is none */
	uint64_t bytes;     /* size of the page, uncompressed */
	int64_t elapsed_ms; /* duration of the attempt that succeeded */
	long status;        /* HTTP status of the successful reply; api_delete() only */
};

/*
 * Callbacks of a call. They run from the event loop, never from within the function that
 * starts the call. They may start and cancel calls, but see api_cancel(). They must not
 * free the api.
 *
 * on_item is called for each job, in the page's order. `item` is NULL for a job whose id
 * cannot be a file name; a warning has been logged. on_item returns 0, or a negative
 * errno with which the call fails. After on_restart the page is read again from its first
 * job. A caller that needs no jobs leaves both NULL.
 *
 * on_done is called exactly once, unless the call is cancelled. The call is freed when it
 * returns. `error` is 0 or:
 *
 *   -EACCES        401, 403
 *   -ENOENT        404; for a list the caller decides if this is its end
 *   -EINVAL        400, 422 (limit of a list too high)
 *   -EBUSY         429; for api_delete() also 403
 *   -ETIMEDOUT     the server did not answer
 *   -EHOSTUNREACH  no connection, or TLS failed
 *   -ENOMEM        out of memory
 *   -EIO           anything else: other statuses, broken connections, an answer that is
 *                  no page or job, a page that is an error (`statusCode`), a `next` that
 *                  does not advance (SEMANTICS 6.6)
 *   an errno that on_item returned
 *
 * If attempts failed in different ways, the last one counts. `page` is NULL on failure
 * and for api_get(). `errmsg` is an error message: what was tried, why it failed, and
 * what to do, in printable ASCII and never with the key. It is "" on success. It is not
 * logged: the caller does that. `page` and `errmsg` are valid during on_done.
 */
struct api_handlers {
	int (*on_item)(void *ctx, const struct api_item *item);
	/* Only for api_list(). */
	void (*on_restart)(void *ctx);
	void (*on_done)(
		void *ctx, int error, const struct api_page *page, const char *errmsg);
};

/* Returns the path of the list of live sessions or of pre-recorded jobs. */
const char *api_list_path(bool live);

/*
 * Creates a client. Strings are copied; `loop` and `log` must outlive it. A loop can
 * serve only one api at a time. Release it with api_free().
 *
 * Returns 0, -ENOMEM, or -EINVAL if ca_file contains no certificate or the key cannot be
 * sent in an HTTP header.
 */
int api_new(struct loop *loop, const struct log *log, const struct api_config *config,
	struct api **ret_api);

/*
 * Sets a callback that is called whenever an attempt of any call ends, before the call's
 * own callbacks. `reached` is true if the server answered, with whatever status. It is
 * false if there was no connection, TLS failed, or the server was silent for too long;
 * `errmsg` is then an error message. An answer that broke off without a status is not
 * reported.
 *
 * The callback must not start or cancel calls. NULL removes it.
 */
void api_on_reachability(struct api *api,
	void (*on_reach)(void *ctx, bool reached, const char *errmsg), void *ctx);

/* Frees a client. All calls must have ended or been cancelled. NULL is allowed. */
void api_free(struct api *api);

/*
 * Replaces the API key for all requests from now on, including retries of running calls.
 * A pending Retry-After is dropped, because it was meant for the old key.
 *
 * Returns 0, -ENOMEM, or -EINVAL if the key cannot be sent in an HTTP header. On failure
 * the old key stays in use.
 */
int api_set_key(struct api *api, const char *key);

/*
 * Sets a callback that is called if the API refuses the key (401, 403). It has the key
 * read again, calls api_set_key() if there is another one, and then api_key_settled().
 * Until then the call that was refused waits; its timeout still applies. Each call waits
 * once. NULL removes the callback.
 */
void api_on_key_refused(struct api *api, void (*on_refused)(void *ctx), void *ctx);

/*
 * Continues the calls that wait after api_on_key_refused()'s callback was called: they
 * are repeated if the key is another one, or else fail. May be called from the callback.
 */
void api_key_settled(struct api *api);

/*
 * Starts a call for one page of jobs: those in span number `span` of the query
 * (query_print_url()), from `offset` on, at most `limit`. Keeps no reference to `query`.
 *
 * Returns 0, -ENOMEM, or -EINVAL if `origin` is not a valid URL.
 */
int api_list(struct api *api, const struct query *query, unsigned span, uint64_t offset,
	unsigned limit, const struct api_handlers *handlers, void *ctx,
	struct api_call **ret_call);

/*
 * Starts a call for one job by its id: on_item is called once, then on_done. If the
 * server returns another job, the call fails with -EIO.
 *
 * Returns 0, -ENOMEM, or -EINVAL if `id` is empty or `origin` is not a valid URL.
 */
int api_get(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call);

/*
 * Starts a call that deletes one job; only on_done is called. Its `error` is 0 if the job
 * is deleted, also if an earlier attempt did it and its answer was lost. It is -EBUSY if
 * the job is not finished yet (403), and -ENOENT if the job was deleted before this call.
 * After any other error the job may or may not be deleted. A call that is cancelled may
 * still delete the job.
 *
 * Returns 0, -ENOMEM, or -EINVAL if `id` is empty or `origin` is not a valid URL.
 */
int api_delete(struct api *api, const char *id, const struct api_handlers *handlers,
	void *ctx, struct api_call **ret_call);

/*
 * Cancels a call without on_done and frees it. Must not be called from the call's own
 * on_item or on_restart; from its own on_done it does nothing. Never blocks.
 */
void api_cancel(struct api_call *call);

/*
 * Number of responses with one HTTP status. The entry with status 0 counts all statuses
 * beyond the first API_STATUSES_MAX.
 */
enum { API_STATUSES_MAX = 24 };
struct api_status {
	long status;
	uint64_t responses;
};

/*
 * Counters since api_new(). Each attempt is counted. Attempts that were cancelled or are
 * in flight are counted only in `requests`.
 */
struct api_stats {
	uint64_t requests;
	uint64_t failed;  /* attempts without a complete response */
	uint64_t retries; /* attempts after the first one of their call */
	/* Bytes of bodies as transferred, by attempts that ended. */
	uint64_t bytes;
	/* In the order in which they first occurred. */
	struct api_status statuses[API_STATUSES_MAX + 1];
	unsigned statuses_len;
	struct histogram latency; /* of attempts with a response */
	unsigned calls; /* running calls, including those that wait for a retry */
	/* Remaining Retry-After time, in which no call sends a request. */
	int64_t slowed_ms;
};

/* Copies the counters to `ret_stats`. */
void api_stats(const struct api *api, struct api_stats *ret_stats);
