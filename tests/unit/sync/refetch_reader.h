/* SPDX-License-Identifier: MIT */
#pragma once

#include "sync_fixture.h"

/*
 * A reader of files whose texts were evicted. The cache, of fixture_set_up_small(), holds
 * about a quarter of them.
 */
enum { MANY = 400, PAGE = 20, PAGES = MANY / PAGE, IDLE_MS = 10 * 1000 };

/* Counts the texts that a reader has wanted. */
struct outcome {
	unsigned fetched; /* texts that were not cached */
	unsigned missing; /* jobs that were deleted */
};

/* True if the text at this position of the listing is cached. */
bool has_text(struct reader *reader, size_t position);

/* Returns the number of texts of the listing that are cached. */
unsigned count_texts(struct reader *reader);

/* Which texts were cached at some time. */
struct cached {
	unsigned texts;
	bool has[MANY];
};

/* Notes which texts are cached now. */
struct cached note_cached(struct reader *reader);

/* Asserts that at most `lost` of the texts are not cached any more. */
void assert_kept(struct reader *reader, const struct cached *before, unsigned lost);

/* Lists the query's jobs. */
struct reader *list_query(struct sync_fixture *fixture, const struct query *query);

/* Adds MANY jobs, and lists them. */
struct reader *list_many(struct sync_fixture *fixture);

/* Starts the fetch of a text that was evicted. */
void want(struct reader *reader, size_t position, struct counting_waiter *waiting);

/* Answers calls until the waiter is woken. */
void wait_for(struct sync_fixture *fixture, struct counting_waiter *waiting);

/* Reads a file, and fetches its text if that is not cached. */
void read_one(struct reader *reader, size_t position, struct outcome *outcome);

/* Reads files in the order of the listing. */
struct outcome read_from_to(struct reader *reader, size_t from, size_t to);

/* Reads all files in the order of the listing. */
struct outcome read_all(struct reader *reader);

/* Lets the reader pause until nothing is fetched for it any more. */
void pause_reader(struct sync_fixture *fixture);

/* Asserts that there were at most so many requests since the last call. */
void assert_requests(struct sync_fixture *fixture, unsigned gets, unsigned lists);
