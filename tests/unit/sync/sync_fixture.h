/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"
#include "catalog/catalog.h"
#include "fake_api.h"
#include "loop/loop.h"
#include "sync/listing.h"
#include "sync/sync.h"

/*
 * Fixture of the tests of sync/: a real loop and catalog, an account whose calls the test
 * answers, and a clock that only the test moves.
 */
enum {
	DELETED_MAX = 512,
	FIXTURE_TTL_MS = 60 * 1000,
	FIXTURE_CONNECTIONS = 8,
	FIXTURE_TEXTS_SMALL = 4000
};

struct sync_fixture {
	struct clock clock;
	int64_t now_ms;
	struct log log;
	struct loop *loop;
	struct catalog *catalog;
	struct api *api;
	struct sync *sync;
	struct list readers;                               /* readers that are open */
	char deleted[DELETED_MAX][FILENAME_BYTES_MAX + 1]; /* ids of reported jobs */
	unsigned deleted_len;
	bool offline_ok; /* sync_config.offline_ok at the next fixture_reset() */
	bool offline;    /* sync_config.offline at the next fixture_reset() */
	bool no_ttl;     /* ttl=0 at the next fixture_reset() */
};

/* Setup and teardown of a test, with the default options and an adaptive page size. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Setup of a test with a cache for FIXTURE_TEXTS_SMALL bytes of texts. */
int fixture_set_up_small(void **state);

/*
 * Replaces the sync with a new one that has no listings. If `fixture->offline` is set, it
 * has those that the catalog keeps. `page_size` 0: adaptive.
 */
void fixture_reset(struct sync_fixture *fixture, int connections, unsigned page_size);

/* Returns the timestamp of 2026-04-01T12:00Z. */
int64_t fixture_noon_ms(void);

/* Returns a query of all jobs, narrowed by each filter that is not NULL. */
struct query fixture_query(const char *status, const char *key, const char *values);

/* Adds a job, created `minutes` before noon, with this metadata; NULL: none. */
void fixture_add(struct sync_fixture *fixture, const char *id, enum job_status status,
	unsigned minutes, const char *metadata);

/*
 * Adds `count` finished jobs, a minute apart, from number `first` on; j000 is the newest.
 */
void fixture_fill(struct sync_fixture *fixture, unsigned first, unsigned count);

/* Runs one turn of the loop, without waiting. */
void fixture_turn(struct sync_fixture *fixture);
void fixture_forward(struct sync_fixture *fixture, int64_t ms);

/* Answers calls until none is pending, with a turn of the loop after each. */
void fixture_settle(struct sync_fixture *fixture);

/* Returns the id of the job in this row, or "?" if there is none. */
const char *fixture_id(struct sync_fixture *fixture, int64_t row);

/* Reads a listing like the reader of a directory. */
struct reader {
	struct list link; /* in fixture.readers */
	struct sync_fixture *fixture;
	enum listing_kind kind;
	struct listing *listing;
	struct waiter waiter;
	size_t at;        /* number of members that it has read */
	unsigned wakeups; /* number of wake-ups */
	int error;        /* error of the last wake-up */
};

struct reader *reader_open(
	struct sync_fixture *fixture, enum listing_kind kind, const struct query *query);
/* Opens a reader of all jobs. */
struct reader *reader_open_all(struct sync_fixture *fixture);
void reader_close(struct reader *reader);

/*
 * Wants the member at a position, and waits if it is not there. Returns the same as
 * listing_want().
 */
int reader_want(struct reader *reader, size_t position);

/*
 * Reads all members that are there and wants the next one. Returns -EAGAIN, -ENOENT at
 * the end, or an error.
 */
int reader_read(struct reader *reader);

/*
 * Reads to the end, and answers all calls in order. Returns 0, or the error that the
 * reader got.
 */
int reader_finish(struct reader *reader);

/*
 * Opens a listing, reads it to the end and closes it. Returns 0, or the error that the
 * reader got.
 */
int fixture_read_all(
	struct sync_fixture *fixture, enum listing_kind kind, const struct query *query);

/* Asserts that the members are the account's jobs that match, in its order, each once. */
void assert_as_account(const struct reader *reader, const struct query *query);

/* Asserts the members in order: ids ("j000 j001"), days as in date/, or names. */
void assert_members(const struct reader *reader, const char *wanted);

/* Asserts which jobs sync has reported since the last call. */
void assert_deleted(struct sync_fixture *fixture, const char *wanted);

/* A waiter that counts its wake-ups. */
struct counting_waiter {
	struct waiter waiter;
	unsigned wakeups;
	int error;
};

/* Enters the queue with a waiter that has not been woken yet. */
void fixture_wait(struct wait_queue *queue, struct counting_waiter *waiting);

/* True if the catalog's job with this id, which it must have, is fresh. */
bool fixture_is_fresh(struct sync_fixture *fixture, const char *id);

/* True if the catalog's job with this id, which it must have, is deleted. */
bool fixture_is_deleted(struct sync_fixture *fixture, const char *id);
