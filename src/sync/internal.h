/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/array.h"
#include "base/buf.h"
#include "base/list.h"
#include "page_size.h"
#include "sync/job_fetch.h"
#include "sync/listing.h"
#include "sync/member_set.h"
#include "sync/sync.h"

struct tombstone {
	int64_t row;
	int64_t until_ms; /* monotonic time at which it expires */
};

/* Jobs deleted through this mount a moment ago, in the order in which they expire. */
struct tombstones {
	struct tombstone *entries;
	size_t len;
	size_t cap;
};

/* Whether the API is out of reach (offline.h). */
struct offline {
	bool is;
	int64_t tried_ms; /* monotonic time at which it was found so, or the last probe
			     was sent */
	struct api_call *probe; /* the small request that tries the API, or NULL */
	struct loop_task settle;
};

/* The list that answers for many unfinished jobs (unfinished.h). */
struct unfinished {
	struct query query;         /* all unfinished jobs */
	struct page *page;          /* the request for a page of the list, or NULL */
	struct loop_timer patience; /* ends the list if a page takes too long */
	int64_t since_ms;           /* monotonic time from which `gets` counts */
	unsigned gets;              /* unfinished jobs fetched by id since then */
	unsigned gets_min;          /* number of such fetches before the next list */
	unsigned requests;          /* requests that the list has taken so far */
	size_t jobs;                /* unfinished jobs that the list has brought so far */
	unsigned cut;               /* see page_note_cut() */
};

enum { REFETCHES = 4 };

/* An evicted text that was requested for a reader, which has not read it yet. */
struct refetch_text {
	size_t position; /* in the listing */
	int64_t row;
	int64_t size;
	const struct refetch_page *page; /* that will bring it; NULL: it is there */
};

/* A reader for which evicted texts are fetched (refetch.h). */
struct refetch {
	struct sync *sync;
	struct listing *listing; /* we hold a reference; NULL: unused */
	size_t position;         /* position of the job wanted or read last */
	unsigned run; /* number of texts wanted or read in the listing's order */
	bool is_led;  /* job_fetch_follow() says which texts are next, not the reader */
	unsigned ino_run;  /* number of texts wanted in the order of inode numbers */
	uint64_t ino;      /* inode number of the job wanted or read last in it */
	unsigned wanted;   /* number of texts wanted, in any order */
	size_t wanted_at;  /* position of the last one */
	unsigned steps;    /* how many of the last ones were near the one before */
	unsigned failures; /* pages in a row that brought few of their texts */
	size_t next;       /* position from which on no page was requested */
	int64_t shift;     /* offset at the API minus position in the listing */
	unsigned cut;      /* see page_note_cut() */
	int64_t used_ms;   /* monotonic time when a text was last wanted or read */
	struct list pages; /* in flight */
	unsigned pages_len;
	struct refetch_text *texts;
	size_t texts_len;
	size_t texts_cap;
	int64_t bytes; /* total size of the texts */
};

struct refetches {
	struct refetch readers[REFETCHES];
	struct loop_timer idle; /* ends the refetches whose readers have paused */
};

struct sync {
	struct loop *loop;
	const struct log *log;
	struct catalog *catalog;
	struct api *api;
	struct sync_config config;
	struct sync_handlers handlers;
	void *handlers_ctx;
	int64_t refreshed_ms; /* wall time; anything seen earlier is too old */

	struct list listings; /* in the order in which they were started */
	unsigned listings_len;
	uint64_t last_id;
	uint64_t uses; /* number of times that a listing was released */
	struct page_size page_size;

	struct list job_fetches; /* job fetches that have not ended */
	int prefetch_len;        /* number of these that no request has waited for yet */
	struct listing *prefetch_listing; /* listing whose jobs are prefetched, or NULL */
	bool prefetch_texts; /* also the evicted texts of jobs whose size is known */
	/* If not 0, the jobs after this inode number are prefetched, in the order of
	 * inode numbers; otherwise in the order of the listing. */
	uint64_t prefetch_ino;

	struct list job_deletes; /* job deletes that have not ended */
	struct sync_deletes deletes;
	struct tombstones tombstones;
	struct unfinished unfinished;
	struct refetches refetches;
	struct offline offline;
	struct loop_timer trim; /* set while the catalog exceeds its maximum size */
};

/* Where the members of a listing come from. */
enum listing_origin {
	ORIGIN_API,      /* the listing's source sends requests */
	ORIGIN_SELECTED, /* another listing, whose source sends requests if necessary */
	ORIGIN_CACHE,    /* the cache, because the API is out of reach */
};

/* A strategy that fills a listing with members. */
struct listing_source {
	enum listing_origin origin;
	/*
	 * Allocates listing->source_state and sends no request. Returns 0, -ENOENT if
	 * this source cannot fill this listing, -ENOMEM, or -EIO.
	 */
	int (*begin)(struct listing *listing);
	/* Requests what readers wait for, and what lies ahead of them. */
	void (*pull)(struct listing *listing);
	/* Cancels all requests and frees listing->source_state. NULL if it has none. */
	void (*end)(struct listing *listing);
};

extern const struct listing_source source_pages;
extern const struct listing_source source_days;
/*
 * Revalidates the previous listing of the query (SEMANTICS 7.2). Its begin() returns
 * -ENOENT if there is none, or if reading all pages costs no more.
 */
extern const struct listing_source source_revalidate;

/*
 * The names of a LISTING_KEYS or LISTING_VALUES listing: NUL-terminated strings in one
 * buffer, and the offset of each.
 */
struct listing_names {
	struct buf text;
	uint32_t *starts;
	size_t cap;
};

enum listing_state { LISTING_FILLING, LISTING_COMPLETE, LISTING_FAILED };

/*
 * The states of a listing:
 *
 *   FILLING   a reader wants more             the source requests or selects it
 *             a request fails                 parked readers get the error; the next
 *                                             reader repeats that request
 *             the last member is added        -> COMPLETE
 *             no source can start             -> FAILED
 *             a commit fails                  -> FAILED: rows may be lost
 *   COMPLETE  the members are final           its source has ended
 *             a commit fails                  -> FAILED
 *   FAILED    every use fails with -EIO       new readers get another listing
 *
 * In each state, new readers get another listing once this one is older than ttl, is
 * invalid, or has deleted rows (listing_is_present()). Readers that hold it go on.
 */
struct listing {
	struct list link; /* element of sync->listings */
	struct sync *sync;
	enum listing_kind kind;
	struct query query;
	char *key; /* query_key() of the query */
	uint64_t id;
	unsigned holders;   /* references, from open directories and other listings */
	uint64_t used;      /* value of sync->uses at the last release */
	int64_t started_ms; /* monotonic time at which it was started */
	int64_t started_wall_ms; /* wall time at which it was started */
	int64_t grew_ms;         /* monotonic time at which it last grew */
	struct member_set members;
	struct listing_names names; /* used by LISTING_KEYS and LISTING_VALUES only */
	struct wait_queue queue;
	int64_t newest_ms; /* newest change shown so far, see newest_note() */
	enum listing_state state;
	enum listing_origin origin;
	/*
	 * Monotonic time from which on it is too old for new readers, because of a
	 * refresh; INT64_MAX: none.
	 */
	int64_t invalid_since_ms;
	/*
	 * It has jobs deleted through this mount. Unlike an invalid listing it is still
	 * right except for these, so new readers get one that is selected from it.
	 */
	bool has_deleted_rows;
	/* The jobs are in descending order of created_at: revalidation relies on it. */
	bool ordered;
	/* Equal to the saved listing: need not be saved again. */
	bool unchanged;
	/* A reader waits for a member that is not there: the source must get it. */
	bool reader_waiting;
	/* A reader wanted more than the first page: the source may read ahead. */
	bool reading_ahead;
	int error;     /* error of the last request for members, or 0 */
	size_t wanted; /* highest position that a reader has asked for */
	/* During listing_want(): the position asked for plus 1; otherwise 0. */
	size_t asked;
	size_t prefetch_position;   /* position of the job looked up last, see
				       job_fetch_prefetch() */
	unsigned prefetch_run;      /* number of jobs of it that were looked up */
	int64_t *unfinished_before; /* unfinished jobs for the next refresh, see
				       listing_set_unfinished() */
	size_t unfinished_before_len;
	const struct listing_source *source;
	void *source_state; /* state of the source; NULL if it has none, or has ended */
	/* The complete listing that this one replaces, held; or NULL. */
	struct listing *previous;
};

/*
 * Part number (member_set.h) of members that were not read from a page of one of the
 * query's spans: they were selected, revalidated, or emitted before the listing was read
 * again. A page that shows them does not thereby overlap with the pages before it.
 */
enum { LISTING_EMITTED = 255 };

/*
 * Loads a row's job and whether it matches the listing's query. Returns 0, -ENOENT if the
 * job was deleted, or -EIO.
 */
int listing_load_job(const struct listing *listing, int64_t row,
	struct catalog_job *ret_job, bool *ret_matches);

/* Returns the newest listing of the query, or NULL. Takes no reference. */
struct listing *listing_find(
	const struct sync *sync, enum listing_kind kind, const char *key);

/*
 * Returns the newest complete listing of the query in memory, however old, or NULL. Takes
 * no reference.
 */
struct listing *listing_find_complete(
	const struct sync *sync, enum listing_kind kind, const char *key);

/* True if no refresh has invalidated the listing, and it has not failed. */
bool listing_is_valid(const struct listing *listing);

/*
 * True if the listing is younger than ttl and still valid, so that other listings can be
 * selected from it.
 */
bool listing_is_young(const struct listing *listing);

/*
 * True if a new reader may be given this listing: it is young, and no job of it was
 * deleted through this mount. One filled from the cache counts until the API is tried
 * again.
 */
bool listing_is_present(const struct listing *listing);

/*
 * Continues with another source; its begin() must never return -ENOENT. If it fails, the
 * listing fails.
 */
void listing_switch_source(struct listing *listing, const struct listing_source *filler);

/*
 * Continues with the cheapest source that can fill the listing now. If none can start,
 * the listing fails.
 */
void listing_restart(struct listing *listing);

/*
 * Stores the unfinished jobs in the query's time range, as they were before the listing
 * was read. The next revalidation of the query needs them (revalidate.h). Copies `rows`.
 * Returns 0 or -ENOMEM.
 */
int listing_set_unfinished(struct listing *listing, const int64_t *rows, size_t len);

/*
 * Loads the unfinished jobs that were stored with the previous listing of the query. The
 * caller frees `ret_rows` with rows_done(), also on failure. Returns 0, -ENOENT if none
 * are stored, -ENOMEM, or -EIO.
 */
int listing_load_unfinished(const struct listing *listing, struct rows *ret_rows);

/*
 * True if the query's listing had members when it was last complete, or, if it never was,
 * if the catalog has a job of the query. An empty answer of the API is then not believed
 * until it is repeated.
 */
bool listing_had_jobs(const struct listing *listing);

/* Removes a listing that has no holder from sync->listings and frees it. */
void listing_drop(struct listing *listing);

/* Frees all listings. Only other listings may still hold one. */
void listing_drop_all(struct sync *sync);

/* Wakes the parked requests after members were added. */
void listing_grew(struct listing *listing);

/*
 * Records that the listing shows something changed at `changed_ms`: a job_mtime_ms(), or
 * the beginning of a day. JOB_NO_TIME changes nothing.
 */
void newest_note(struct listing *listing, int64_t changed_ms);

/*
 * Reports the jobs that are missing from a listing whose last member was just added,
 * saves it and its newest change for the next refresh, and calls on_listed().
 */
void listing_publish(struct listing *listing);

/* Completes the listing: publishes it, ends its source and wakes the parked requests. */
void listing_completed(struct listing *listing);

/*
 * Wakes the parked requests with `error`, and logs `errmsg` unless it is empty. If the
 * API was not reached and offline_ok is set, continues from the cache instead if
 * possible, and logs nothing. May end the source: a source must not use its state
 * afterwards.
 */
void listing_failed(struct listing *listing, int error, const char *errmsg);

/*
 * Returns the error with which a listing fails if a call failed with `error`. -ENOENT and
 * -EINVAL become -EIO: to readdir(3) they would mean the end of the directory and a
 * mistake of the caller (SEMANTICS 6.1, 11.1).
 */
int sync_errno(int error);

/*
 * Stores a job that the API returned, and calls on_job_changed() if it has changed.
 * Returns 0 or the errors of jobs_put().
 */
int sync_put(struct sync *sync, const struct api_item *item, struct catalog_job *ret_job);

/*
 * Stores a job that the API returned, without calling on_job_changed(). Returns 0 or the
 * errors of jobs_put().
 */
int sync_keep(
	struct sync *sync, const struct api_item *item, struct catalog_job *ret_job);

/*
 * Marks a job as deleted, drops its text and calls on_job_changed(): the API does not
 * have it any more. Returns 0 or -EIO.
 */
int sync_mark_deleted(struct sync *sync, const struct catalog_job *job);

/*
 * Marks a job as deleted after a deletion through this mount: overwrites its text in the
 * database file and calls on_job_changed(). Returns 0 or -EIO.
 */
int sync_erase(struct sync *sync, const struct catalog_job *job);

/* Calls on_job_changed(), so that the job's name is dropped from caches. */
void sync_notify_deleted(struct sync *sync, const struct catalog_job *job);

/* True if the job was deleted through this mount a moment ago. */
bool job_delete_was_recent(struct sync *sync, int64_t row);

/* Cancels all job deletes and logs each of them: the API may still delete these jobs. */
void job_delete_end(struct sync *sync);

/*
 * Handles a job that is absent from a complete listing of `query`, started at
 * `since_wall_ms`, in which it should be. A finished job can only have been deleted:
 * marks it so (SEMANTICS 7.1). An unfinished one is invalidated, so its next look-up
 * requests it.
 */
void sync_on_job_missing(
	struct sync *sync, int64_t row, const struct query *query, int64_t since_wall_ms);

/*
 * Fetches a job by its id, like job_fetch_start(), but never waits for a list of
 * unfinished jobs.
 */
int job_fetch_by_id(struct sync *sync, const char *id, struct wait_queue **ret_queue);

/*
 * Wakes the requests that wait for `list` (a struct unfinished or a struct refetch_page)
 * if it has brought their job. If the list has `ended`, fetches each other job by its id
 * if a request still waits for it.
 */
void job_fetch_settle_listed(struct sync *sync, const void *list, bool ended);

/*
 * Fetches a member of the listing by its id, ahead of a reader, unless it needs nothing.
 * Returns false without memory.
 */
bool job_fetch_one_ahead(struct sync *sync, const struct listing *listing, int64_t row);

/*
 * Continues prefetching jobs ahead of the reader recorded by job_fetch_prefetch(), now
 * that there is room for another request.
 */
void job_fetch_ahead(struct sync *sync);

/* Returns the number of job fetches whose request is in flight. */
unsigned job_fetch_calls(const struct sync *sync);

/* Cancels all job fetches. Requests that wait for one are not woken. */
void job_fetch_end(struct sync *sync);
