/* SPDX-License-Identifier: MIT */
#pragma once

#include "gladia/api.h"

/*
 * Takes the place of gladia/api.h at link time: an account in memory, and calls that are
 * pending until the test answers them, in whichever order and way it likes.
 */
enum { FAKE_JOBS_MAX = 2048, FAKE_PENDING_MAX = 256 };

enum fake_order { FAKE_NEWEST_FIRST, FAKE_OLDEST_FIRST, FAKE_UNSORTED };

enum fake_next { FAKE_NULL, FAKE_ADVANCES, FAKE_MISSING };

struct fake_job {
	struct job job;
	unsigned edition;     /* of its text */
	bool nameless;        /* its id cannot be a file's name */
	bool hidden;          /* it takes up a place on its page, and is not shown */
	const char *said;     /* its transcript; NULL: its text has none */
	const char *metadata; /* as metadata_flatten() writes it; NULL: none */
};

/* What is unknown of the API (GLADIA_API.md), and what it must not do. */
struct fake_rules {
	enum fake_order order;     /* to be set before there are jobs */
	unsigned gives_at_most;    /* jobs a page, silently; 0: as many as asked for */
	unsigned refuses_above;    /* this limit, with -EINVAL; 0: none */
	unsigned gives_instead;    /* of what was asked for; 0: that */
	bool next_after_full;      /* `next` is set where the last page is full ... */
	bool next_until_empty;     /* ... or up to the page that is empty */
	bool missing_past_end;     /* -ENOENT instead of an empty page */
	bool next_missing;         /* pages have no `next` at all */
	unsigned empty;            /* so many of the next pages are empty, ... */
	enum fake_next empty_next; /* ... with this */
	bool summaries;
	bool limits_inclusive; /* jobs from just outside of a span come too */
	bool ignores_dates;
	bool ignores_statuses;
	uint64_t bytes_each;
	int64_t page_ms;
	/* Not the account's jobs but these: the i-th of a page; false where it ends. */
	bool (*invent)(struct api *api, const struct api_call *call, unsigned i,
		struct fake_job *ret_job);
};

struct api_call {
	struct api *api;
	const struct api_handlers *handlers;
	void *ctx;
	bool ending;
	struct query query; /* of a list */
	unsigned span;
	uint64_t offset;
	unsigned limit;
	char id[FILENAME_BYTES_MAX + 1]; /* "": of a list */
	bool deletes;
};

struct api {
	struct fake_rules rules;
	struct fake_job jobs[FAKE_JOBS_MAX]; /* in the account's order */
	unsigned jobs_len;
	struct api_call *pending[FAKE_PENDING_MAX]; /* in order of asking */
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

struct api *fake_new(void);

/* A job where the account's order wants it. It is valid until the account changes. */
struct fake_job *fake_add(
	struct api *api, const char *id, enum job_status status, int64_t created_ms);

/* NULL where there is none. */
struct fake_job *fake_find(struct api *api, const char *id);

void fake_remove(struct api *api, const char *id);

/* Whether a call's filters let the job pass, by the rules. */
bool fake_shows(
	const struct api *api, const struct api_call *call, const struct fake_job *job);

/* The pending call of this number. */
struct api_call *fake_call(struct api *api, unsigned number);

/* Of the job with this id; NULL where there is none. */
struct api_call *fake_call_for(struct api *api, const char *id);

/* Answers from the account as it is now; what follows from it is pending next. */
void fake_answer(struct api_call *call);

/* Answers those pending now, in order; those asked for by then; until none is. */
void fake_answer_all(struct api *api);
void fake_settle(struct api *api);

void fake_fail(struct api_call *call, int error, const char *errmsg);

/* An attempt of a call has ended (api_on_reachability()), that goes on. */
void fake_reach(struct api *api, bool reached);

/* Breaks off in the middle; it then begins anew, and is still pending. */
void fake_restart(struct api_call *call);
