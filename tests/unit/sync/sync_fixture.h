/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"
#include "catalog/catalog.h"
#include "fake_api.h"
#include "loop/loop.h"
#include "sync/listing.h"
#include "sync/sync.h"

/*
 * What the tests of sync/ stand on: a real loop and catalog, an account that answers when
 * it is told to, a clock that stands still unless it is put forward.
 */
enum { BENCH_GONE_MAX = 512, BENCH_TTL_MS = 60 * 1000, BENCH_CONNECTIONS = 8 };

struct bench {
	struct clock clock;
	int64_t now_ms;
	struct log log;
	struct loop *loop;
	struct catalog *catalog;
	struct api *api;
	struct sync *sync;
	struct list readers;                               /* that have not been closed */
	char gone[BENCH_GONE_MAX][FILENAME_BYTES_MAX + 1]; /* of whom sync told */
	unsigned gone_len;
	bool offline_ok; /* for the next bench_reset(), as is what follows */
	bool offline;
	bool no_ttl; /* ttl=0 */
};

/* Set by tests as the fixture; with the defaults, and no page size. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

/* Another sync, to which no listing is known, but for what the catalog keeps where it
 * begins offline; `page_size` 0: adaptive. */
void bench_reset(struct bench *bench, int connections, unsigned page_size);

/* 2026-04-01T12:00Z. */
int64_t bench_noon_ms(void);

/* `count` more jobs, done, j000 the newest, a minute apart; `first` is the first's. */
void bench_fill(struct bench *bench, unsigned first, unsigned count);

/* A turn of the loop that does not wait. */
void bench_turn(struct bench *bench);
void bench_forward(struct bench *bench, int64_t ms);

/* Answers until nothing is pending, with a turn after each. */
void bench_settle(struct bench *bench);

/* The id of a job by its row; "?" for none. */
const char *bench_id(struct bench *bench, int64_t row);

/* Who reads a listing as a directory's reader does. */
struct reader {
	struct list link; /* in bench.readers */
	struct bench *bench;
	enum listing_kind kind;
	struct listing *listing;
	struct waiter waiter;
	size_t at; /* what stands before it has been read */
	unsigned told;
	int error; /* told last */
};

struct reader *reader_open(
	struct bench *bench, enum listing_kind kind, const struct query *query);
/* Of every job. */
struct reader *reader_open_all(struct bench *bench);
void reader_close(struct reader *reader);

/* Stands at a position, and waits where it is not there. As listing_want(). */
int reader_want(struct reader *reader, size_t position);

/* Reads what is there and wants what follows. -EAGAIN, -ENOENT (the end) or an error. */
int reader_read(struct reader *reader);

/* Reads to the end, all being answered in order. 0, or the error it was told. */
int reader_finish(struct reader *reader);

/* A whole listing: opened, read and closed. */
int bench_read_all(
	struct bench *bench, enum listing_kind kind, const struct query *query);

/* The members are the account's jobs that match, in its order, each once. */
void assert_as_account(const struct reader *reader, const struct query *query);

/* "j000 j001": the ids, the days as in date/, or the names, in order. */
void assert_members(const struct reader *reader, const char *wanted);

/* Of whom sync has told since the last look. */
void assert_told_gone(struct bench *bench, const char *wanted);

/* Somebody who waits, and what he was told. */
struct bench_waiting {
	struct waiter waiter;
	unsigned told;
	int error;
};

/* Has him wait there, told of nothing yet. */
void bench_wait(struct wait_queue *queue, struct bench_waiting *waiting);
