/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Fetches evicted texts again for a reader that goes through the files of a directory
 * (SEMANTICS 7.4.12). By their ids that would take a request for each, one after the
 * other. A struct refetch is one such reader:
 *
 *   FIRST  an evicted text is wanted            fetch it by its id
 *          then one that follows in the listing PAGES, or IDS if the listing's jobs are
 *                                               not those of one list request
 *          then REFETCH_INO_RUN_MIN in the      INODES
 *          order of inode numbers
 *   PAGES  a text is wanted or read             request the jobs that follow and have no
 *                                               text, as pages of the listing's query at
 *                                               their positions, several at a time
 *          a text is wanted that is on the way  wait for its page
 *          a page ends                          wake the requests for its jobs; jobs that
 *                                               it should have and does not have are
 *                                               fetched by their ids; correct the offset
 *                                               of the next pages if the list has moved
 *          a text elsewhere is wanted           another refetch: FIRST
 *          REFETCH_FAILURES_MAX pages in a row  IDS
 *          have brought few of their texts
 *   IDS    a text is wanted or read             fetch the jobs that follow by their ids,
 *                                               several at a time (job_fetch_ahead())
 *   INODES a text is wanted or read             fetch the jobs that follow in the order
 *                                               of inode numbers by their ids
 *   LED    job_fetch_follow() is called (in any like PAGES or IDS, from the position that
 *          state)                               it names: the reader gets most texts from
 *                                               the kernel
 *          a text elsewhere is wanted           fetch it by its id
 *          some wanted in the listing's order   PAGES
 *
 * In each state a refetch ends if its reader has paused for REFETCH_IDLE_MS.
 *
 * A text that was fetched for the reader is evicted first (texts_retire()) once it was
 * read, or the reader has passed it or paused. So such a reader does not displace what
 * was cached before. Until then it may exceed the maximum size of the cache
 * (catalog_set_headroom()).
 */
enum {
	REFETCH_IDLE_MS = 10 * 1000,
	REFETCH_FAILURES_MAX = 2,
	/* Bytes of JSON files that were requested ahead of the reader and not read yet.
	 * Compressed they take a third of it or less, which the headroom holds. */
	REFETCH_AHEAD_BYTES = 12 << 20,
	REFETCH_HEADROOM = 4 << 20,
	/* So many texts wanted in the listing's order make a reader that goes through. */
	REFETCH_RUN_MIN = 2,
	/* So many wanted in the order of inode numbers make one that goes through in it.
	 */
	REFETCH_INO_RUN_MIN = 8,
	/* Parallel readers read in an order that is mixed up a little. */
	REFETCH_BACK_MAX = 256,
};

/* Initialises sync->refetches. */
void refetch_init(struct sync *sync);

/* Ends all refetches. */
void refetch_done(struct sync *sync);

/*
 * Records that a reader of `listing` wants the job's evicted text. Returns the page that
 * will bring it: job_fetch_settle_listed() is called when it ends. Returns NULL if the
 * caller shall fetch the job by its id. Never blocks.
 */
const struct refetch_page *refetch_want(
	struct sync *sync, struct listing *listing, const struct catalog_job *job);

/* Records that the job, a member of `listing`, is fetched by its id for a reader. */
void refetch_expect(
	struct sync *sync, const struct listing *listing, const struct catalog_job *job);

/* True if a page that was requested ahead of a reader will bring the text. */
bool refetch_is_coming(const struct sync *sync, int64_t row);

/* Reports to the readers that are led that a text has arrived. */
void refetch_report(struct sync *sync);

/* True if the reader goes through the files in the order of their inode numbers. */
bool refetch_uses_inos(const struct refetch *refetch);

/* True if the texts for this reader are fetched as pages. */
bool refetch_uses_pages(const struct refetch *refetch);

/*
 * Notes the reader's position, and requests what follows. If the text at this position is
 * `wanted`, requests at least its page.
 */
void refetch_go_on(struct refetch *refetch, size_t position, bool wanted);

/*
 * Cancels the pages in flight. Requests that wait for a job of these fetch it by its id.
 */
void refetch_cancel_pages(struct refetch *refetch);

/* Lets the cache exceed its maximum size as long as a reader's texts come in pages. */
void refetch_set_headroom(struct sync *sync);

/* Returns the text of a row that the reader has not read yet, or NULL. */
struct refetch_text *refetch_find_text(const struct refetch *refetch, int64_t row);

/*
 * Adds the text of a job, a member at `position`, as requested. Returns 0, -ENOMEM, or
 * -EMSGSIZE if the reader has left too many unread.
 */
int refetch_add_text(
	struct refetch *refetch, size_t position, const struct catalog_job *job);

/* Removes a text that will not arrive. */
void refetch_drop_text(struct refetch *refetch, struct refetch_text *text);

/* Removes a text that was read, or will not be: it is evicted first. */
void refetch_retire_text(struct refetch *refetch, struct refetch_text *text);
