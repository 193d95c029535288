/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/clock.h"
#include "gladia/api.h"

/*
 * Replaces gladia/api.h at link time: an account in memory, and calls that are pending
 * until the test answers them, in any order and with any result.
 */
enum { FAKE_JOBS_MAX = 2048, FAKE_PENDING_MAX = 256 };

enum fake_order { FAKE_NEWEST_FIRST, FAKE_OLDEST_FIRST, FAKE_UNSORTED };

enum fake_next { FAKE_NULL, FAKE_ADVANCES, FAKE_MISSING };

struct fake_job {
	struct job job;
	unsigned edition;       /* version of its text */
	bool nameless;          /* its id is not a valid file name */
	bool hidden;            /* it takes a position on its page, but is not shown */
	const char *transcript; /* its transcript, or NULL if its text has none */
	const char *metadata;   /* in the format of metadata_flatten(), or NULL */
	const struct job_facts *facts; /* NULL: those of the next two */
	const char *filename;          /* file name of the recording, or NULL */
	const char *language;          /* of its only translation, or NULL */
};

/* Behaviour of the API that is undocumented (GLADIA_API.md) or wrong. */
struct fake_rules {
	enum fake_order order;  /* set it before adding jobs */
	unsigned gives_at_most; /* maximum of jobs per page, applied silently; 0: none */
	unsigned refuses_above; /* a larger limit fails with -EINVAL; 0: no limit does */
	unsigned gives_instead; /* length of a page, whatever the limit; 0: the limit */
	bool next_after_full;   /* `next` is set on a last page that is full */
	bool next_until_empty;  /* `next` is set on every page that has jobs */
	bool missing_past_end;  /* -ENOENT instead of an empty page past the end */
	bool next_missing;      /* no page has a `next` */
	unsigned empty;         /* number of pages from now on that are empty */
	enum fake_next empty_next; /* `next` of these empty pages */
	bool summaries;
	bool limits_inclusive; /* a span includes jobs just outside its limits */
	bool ignores_dates;
	bool ignores_statuses;
	uint64_t bytes_each;
	int64_t page_ms;
	/*
	 * If set, makes the i-th job of a page, instead of the account; false at the
	 * page's end.
	 */
	bool (*invent)(struct api *api, const struct api_call *call, unsigned i,
		struct fake_job *ret_job);
};

struct api_call {
	struct api *api;
	const struct api_handlers *handlers;
	void *ctx;
	bool ending;
	int64_t asked_ms;   /* wall time at which it was started */
	struct query query; /* the query of a list */
	unsigned span;
	uint64_t offset;
	unsigned limit;
	char id[FILENAME_BYTES_MAX + 1]; /* the job of a get or a delete; "": a list */
	bool deletes;
};

struct api {
	const struct clock *clock;
	struct fake_rules rules;
	struct fake_job jobs[FAKE_JOBS_MAX]; /* in the account's order */
	unsigned jobs_len;
	struct api_call *pending[FAKE_PENDING_MAX]; /* the oldest first */
	unsigned pending_len;
	unsigned most_pending;
	unsigned lists;
	unsigned gets;
	unsigned deletes;
	unsigned cancelled;
	unsigned invented;
	void (*on_reachability)(void *ctx, bool reached, const char *errmsg);
	void *reachability_ctx;
};

struct api *fake_new(const struct clock *clock);

/*
 * Adds a job at its position in the account's order. Returns it; it is valid until the
 * account changes.
 */
struct fake_job *fake_add(
	struct api *api, const char *id, enum job_status status, int64_t created_ms);

/* Returns the job with this id, or NULL if there is none. */
struct fake_job *fake_find(struct api *api, const char *id);

void fake_remove(struct api *api, const char *id);

/* True if the filters of a call let the job pass, by the rules. */
bool fake_shows(
	const struct api *api, const struct api_call *call, const struct fake_job *job);

/* Returns the pending call with this index. */
struct api_call *fake_call(struct api *api, unsigned number);

/* Returns the pending call for the job with this id, or NULL if there is none. */
struct api_call *fake_call_for(struct api *api, const char *id);

/*
 * Answers a call from the account as it is now. It may cause new calls, which are then
 * pending.
 */
void fake_answer(struct api_call *call);

/*
 * fake_answer_all() answers the calls that are pending now, in order; fake_settle()
 * continues until no call is pending.
 */
void fake_answer_all(struct api *api);
void fake_settle(struct api *api);

void fake_fail(struct api_call *call, int error, const char *errmsg);

/*
 * Reports that an attempt of a call has ended (api_on_reachability()), but not the call.
 */
void fake_reach(struct api *api, bool reached);

/* Breaks off the response in the middle and restarts it; the call is still pending. */
void fake_restart(struct api_call *call);
