/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "page_size.h"
#include "sync/job_fetch.h"
#include "sync/listing.h"
#include "sync/member_set.h"
#include "sync/sync.h"

struct removed_entry {
	int64_t row;
	int64_t until_ms; /* monotonic */
};

/* removed.h; those that are forgotten first come first. */
struct removed {
	struct removed_entry *entries;
	size_t len;
	size_t cap;
};

/* offline.h */
struct offline {
	bool is;
	int64_t tried_ms;           /* monotonic: when it turned out last */
	struct api_call *probe;     /* or NULL */
	struct loop_timer patience; /* set: some wait for the probe */
	struct loop_task settle;
};

/* unfinished.h */
struct unfinished {
	struct query query;         /* all unfinished jobs */
	struct page *page;          /* the request for a page of the list, or NULL */
	struct loop_timer patience; /* ends the list if the page takes too long */
	int64_t since_ms;           /* monotonic time from which `gets` counts */
	unsigned gets;              /* unfinished jobs fetched by id since then */
	unsigned gets_min;          /* number of such fetches before the next list */
	unsigned requests;          /* requests that the list has taken so far */
	size_t jobs;                /* unfinished jobs that the list has brought so far */
	unsigned cut;               /* page_note_cut() */
};

struct sync {
	struct loop *loop;
	const struct log *log;
	struct catalog *catalog;
	struct api *api;
	struct sync_config config;
	struct sync_handlers handlers;
	void *handlers_ctx;
	int64_t refreshed_ms; /* wall time: what was seen before is too old */

	struct list listings; /* those begun first come first */
	unsigned listings_len;
	uint64_t last_id;
	uint64_t uses; /* counts the ends of listings' uses */
	struct page_size page_size;

	struct list singles; /* jobs under way by id */
	int ahead_len;       /* of them, those nobody waits for yet */
	struct listing *walked;

	struct list removals; /* jobs being deleted */
	struct sync_deletes deletes;
	struct removed removed;
	struct unfinished unfinished;
	struct offline offline;
	struct loop_timer trim; /* the catalog holds more than it should */
};

/* How a listing gets its members. */
struct filler {
	/*
	 * Makes listing->filling, in which nothing is under way. 0; -ENOENT: this way is
	 * not open to this listing; -ENOMEM, -EIO.
	 */
	int (*begin)(struct listing *listing);
	/* Asks for what is lacking, and for what lies ahead of those who read. */
	void (*pull)(struct listing *listing);
	/* Cancels what is under way and frees listing->filling. */
	void (*end)(struct listing *listing);
};

extern const struct filler filler_pages;
extern const struct filler filler_days;
extern const struct filler filler_follow;

/* Members that are names: NUL-terminated, each from its start on. */
struct listing_names {
	struct buf text;
	uint32_t *starts;
	size_t cap;
};

struct listing {
	struct list link; /* in sync->listings */
	struct sync *sync;
	enum listing_kind kind;
	struct query query;
	char *key; /* query_key() */
	uint64_t id;
	unsigned holders; /* open directories, and listings that are filled from it */
	uint64_t used;    /* sync->uses when it was released last */
	int64_t began_ms; /* monotonic; when it was first asked for anything */
	int64_t began_wall_ms; /* the same instant */
	int64_t grew_ms;       /* monotonic; when it grew last */
	struct snapshot members;
	struct listing_names names; /* LISTING_KEYS, LISTING_VALUES */
	struct wait_queue queue;
	int64_t newest_ms; /* newest_note() */
	bool complete;
	bool ordered;   /* its jobs stand in falling order of created_at */
	bool same;      /* the catalog keeps it as it is already */
	bool broken;    /* what it tells was lost: of no use to anybody any more */
	bool outdated;  /* of no use to who comes now */
	bool thinned;   /* jobs it tells of were deleted here: who comes now picks anew */
	bool stale;     /* what is known while the API is out of reach (known.c) */
	bool mixed;     /* ... behind what was told before */
	bool unsettled; /* known_settle() */
	int unreached;  /* the error it will fail with unless something is known */
	bool lacking;   /* somebody wants `wanted`, which is not there */
	bool goes_on;   /* somebody wanted more than the first page */
	int error;      /* why what was asked for last does not come */
	size_t wanted;  /* the furthest position somebody stood at */
	size_t asked; /* while listing_want() asks for a position: this plus 1; else 0 */
	size_t walk;  /* the position of the job looked at last (single_walk()) */
	unsigned walks; /* how many were looked at */
	int64_t *watch; /* listing_watch() */
	size_t watch_len;
	const struct filler *filler;
	void *filling;          /* the filler's; NULL when complete */
	struct listing *before; /* the complete one it replaces, held; or NULL */
};

/*
 * The part of a span's listing in which its snapshot has seen what was told before it was
 * read (snapshot.h).
 */
enum { LISTING_TOLD = 255 };

/*
 * The row's job, and whether the listing's query shows it. 0; -ENOENT where it is not
 * there any more; -EIO.
 */
int listing_look_up(const struct listing *listing, int64_t row,
	struct catalog_job *ret_job, bool *ret_matches);

/* The query's newest listing, or NULL. */
struct listing *listing_find(
	const struct sync *sync, enum listing_kind kind, const char *key);

/* Is it young enough for who comes now, and does it tell of nothing deleted here? */
bool listing_is_young(const struct listing *listing);
bool listing_is_present(const struct listing *listing);

/* Goes on with another filler, whose begin() never gives -ENOENT. */
void listing_fill_by(struct listing *listing, const struct filler *filler);

/* Goes on in the cheapest way that is open now. */
void listing_fill_anew(struct listing *listing);

/*
 * Unfinished jobs within the query's spans, asked for before the listing was read, that
 * the next check of it will need to know (check.c). 0 or -ENOMEM.
 */
int listing_watch(struct listing *listing, const int64_t *rows, size_t len);

/* Those of the look before, to be freed by the caller. 0, -ENOENT, -ENOMEM, -EIO. */
int listing_load_watch(
	const struct listing *listing, int64_t **ret_rows, size_t *ret_len);

/*
 * True if the listing had members when it was last complete, or, if it never was, if the
 * catalog knows a job of its query: then it is not empty without a second look.
 */
bool listing_had_jobs(const struct listing *listing);

/* Takes a listing nobody holds out of the memory of sync, and frees it. */
void listing_drop(struct listing *listing);

/* Drops all; those that are held are held by others of them. */
void listing_drop_all(struct sync *sync);

/* Members were added: tells those who wait. */
void listing_grew(struct listing *listing);

/*
 * The listing has shown something that was changed at `changed_ms`: a job_mtime_ms(), or
 * a day's beginning. JOB_NO_TIME changes nothing.
 */
void newest_note(struct listing *listing, int64_t changed_ms);

/* Stores the newest change of a listing that is complete, and emits on_listed(). */
void newest_publish(struct listing *listing);

/* Nothing more will be added; ends the filling. */
void listing_completed(struct listing *listing);

/* What was asked for does not come: tells those who wait, with a sentence in the log. */
void listing_failed(struct listing *listing, int error, const char *why);

/* The same without asking whether something is known that could be shown instead. */
void listing_failed_for_good(struct listing *listing, int error);

/*
 * What a listing fails with where a call failed with `error`: to readdir(3) -ENOENT would
 * be the end, and -EINVAL the caller's fault (SPEC 6.1, 11.1).
 */
int sync_errno(int error);

/* Keeps a job the API has shown, and tells if it has changed. As jobs_put(). */
int sync_put(struct sync *sync, const struct api_item *item, struct catalog_job *ret_job);

/* The same, without telling anybody. */
int sync_keep(
	struct sync *sync, const struct api_item *item, struct catalog_job *ret_job);

/* The API has this job no more. 0 or -EIO. */
int sync_forget(struct sync *sync, const struct catalog_job *job);

/* The same for one that was to go, and leave no trace in the catalog's file. */
int sync_purge(struct sync *sync, const struct catalog_job *job);

/* Has the job's name forgotten by who keeps it. */
void sync_tell_gone(struct sync *sync, const struct catalog_job *job);

/* Cancels all deletions that are under way: they may happen or not. */
void removal_end(struct sync *sync);

/*
 * The API no longer shows this job where it should stand: forgets a finished one, which
 * can only have been deleted (SPEC 7.1); asks again for another when it is looked at.
 */
void sync_missed(
	struct sync *sync, int64_t row, const struct query *query, int64_t since_wall_ms);

/* Like single_want(), but always fetches the job by its id. */
int single_get(struct sync *sync, const char *id, struct wait_queue **ret_queue);

/*
 * Wakes the requests that wait for a list of unfinished jobs if it has brought their job.
 * If the list has `ended`, fetches the other jobs by their id if a request still waits.
 */
void single_settle_listed(struct sync *sync, bool ended);

/* Fetches ahead of the walker again, now that there is room for another call. */
void single_fetch_ahead(struct sync *sync);

/* Returns the number of jobs that are being fetched by their id now. */
unsigned single_calls(const struct sync *sync);

/* Cancels all. */
void single_end(struct sync *sync);
