/* SPDX-License-Identifier: MIT */
#include "sync_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/buf.h"
#include "catalog/saved_listings.h"
#include "gladia/timestamp.h"

enum { WATCHDOG_S = 100, MINUTE_MS = 60 * 1000, TEXT_MAX = 1 << 20 };

static int64_t mono_ms(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
	return bench_noon_ms() + ((struct bench *)ctx)->now_ms;
}

int64_t bench_noon_ms(void)
{
	int64_t ms;

	assert_int_equal(timestamp_parse("2026-04-01T12:00Z", &ms), 0);
	return ms;
}

static void on_gone(void *ctx, const struct catalog_job *job)
{
	struct bench *bench = ctx;

	assert_true(bench->gone_len < BENCH_GONE_MAX);
	strcpy(bench->gone[bench->gone_len++], job->job.id);
}

static void on_turn(void *ctx)
{
	sync_commit(((struct bench *)ctx)->sync);
}

void bench_reset(struct bench *bench, int connections, unsigned page_size)
{
	static const struct sync_handlers handlers = {.on_gone = on_gone};
	const struct sync_config config = {
		.ttl_ms = bench->no_ttl ? 0 : BENCH_TTL_MS,
		.connections = connections,
		.page_size = page_size,
		.offline_ok = bench->offline_ok,
		.offline = bench->offline,
	};

	sync_free(bench->sync);
	bench->sync = NULL;
	if (!bench->offline)
		assert_int_equal(saved_listings_forget_all(bench->catalog), 0);
	assert_int_equal(sync_new(bench->loop, &bench->log, bench->catalog, bench->api,
				 &config, &bench->sync),
		0);
	sync_set_handlers(bench->sync, &handlers, bench);
}

int bench_set_up(void **state)
{
	static const struct catalog_config config = {.texts_max = 64 << 20};
	struct bench *bench = test_calloc(1, sizeof(*bench));

	alarm(WATCHDOG_S);
	bench->clock = (struct clock){
		.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = bench};
	bench->now_ms = 1000;
	log_init(&bench->log, "test", false, false);
	bench->api = fake_new();
	list_init(&bench->readers);
	assert_int_equal(loop_new(&bench->clock, &bench->loop), 0);
	assert_int_equal(
		catalog_open(&config, &bench->clock, &bench->log, &bench->catalog), 0);
	loop_set_hook(bench->loop, on_turn, bench);
	bench_reset(bench, BENCH_CONNECTIONS, 0);
	*state = bench;
	return 0;
}

int bench_tear_down(void **state)
{
	struct bench *bench = *state;

	/* A failed test leaves its readers open. */
	while (!list_empty(&bench->readers))
		reader_close(list_entry(bench->readers.next, struct reader, link));
	sync_free(bench->sync);
	api_free(bench->api);
	catalog_close(bench->catalog);
	loop_free(bench->loop);
	test_free(bench);
	alarm(0);
	return 0;
}

void bench_fill(struct bench *bench, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		fake_add(bench->api, id, JOB_DONE,
			bench_noon_ms() - (int64_t)i * MINUTE_MS);
	}
}

void bench_turn(struct bench *bench)
{
	assert_int_equal(loop_turn(bench->loop, 0), 0);
}

void bench_forward(struct bench *bench, int64_t ms)
{
	bench->now_ms += ms;
	bench_turn(bench);
}

void bench_settle(struct bench *bench)
{
	while (bench->api->pending_len) {
		fake_answer(fake_call(bench->api, 0));
		bench_turn(bench);
	}
}

const char *bench_id(struct bench *bench, int64_t row)
{
	static struct catalog_job job;

	return jobs_by_row(bench->catalog, row, &job) ? "?" : job.job.id;
}

static void on_wake(struct waiter *waiter, int error)
{
	struct reader *reader = list_entry(waiter, struct reader, waiter);

	reader->told++;
	reader->error = error;
}

struct reader *reader_open(
	struct bench *bench, enum listing_kind kind, const struct query *query)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	reader->bench = bench;
	reader->kind = kind;
	list_append(&bench->readers, &reader->link);
	waiter_init(&reader->waiter, on_wake);
	assert_int_equal(listing_get(bench->sync, kind, query, &reader->listing), 0);
	return reader;
}

struct reader *reader_open_all(struct bench *bench)
{
	struct query query;

	query_init(&query);
	return reader_open(bench, LISTING_JOBS, &query);
}

void reader_close(struct reader *reader)
{
	list_remove(&reader->link);
	wait_leave(&reader->waiter);
	if (reader->listing)
		listing_put(reader->listing);
	free(reader);
}

int reader_want(struct reader *reader, size_t position)
{
	int err = listing_want(reader->listing, position);

	if (err != -EIO)
		assert_int_equal(err == 0, position < listing_len(reader->listing));
	if (err == -EAGAIN)
		wait_enter(listing_queue(reader->listing), &reader->waiter);
	return err;
}

int reader_read(struct reader *reader)
{
	int err = 0;

	while (!err) {
		if (listing_len(reader->listing) > reader->at)
			reader->at = listing_len(reader->listing);
		err = reader_want(reader, reader->at);
	}
	return err;
}

int reader_finish(struct reader *reader)
{
	struct bench *bench = reader->bench;
	int err;

	while ((err = reader_read(reader)) == -EAGAIN) {
		unsigned told = reader->told;

		while (reader->told == told) {
			if (bench->api->pending_len)
				fake_answer(fake_call(bench->api, 0));
			bench_turn(bench);
		}
		if (reader->error)
			return reader->error;
	}
	return err == -ENOENT ? 0 : err;
}

int bench_read_all(struct bench *bench, enum listing_kind kind, const struct query *query)
{
	struct reader *reader = reader_open(bench, kind, query);
	int err = reader_finish(reader);

	reader_close(reader);
	return err;
}

static void assert_text(const struct buf *text, const char *wanted)
{
	const char *got = text->len ? text->data + 1 : "";

	assert_string_equal(got, wanted);
}

void assert_as_account(const struct reader *reader, const struct query *query)
{
	struct api *api = reader->bench->api;
	size_t at = 0;

	for (unsigned i = 0; i < api->jobs_len; i++) {
		const struct job *job = &api->jobs[i].job;

		if (api->jobs[i].nameless || !query_matches(query, job))
			continue;
		assert_true(at < listing_len(reader->listing));
		assert_string_equal(
			bench_id(reader->bench, listing_member(reader->listing, at++)),
			job->id);
	}
	assert_int_equal(at, listing_len(reader->listing));
}

void assert_members(const struct reader *reader, const char *wanted)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < listing_len(reader->listing); i++) {
		int64_t member = listing_member(reader->listing, i);
		char day[DAY_TEXT];

		if (reader->kind == LISTING_JOBS) {
			assert_int_equal(
				buf_printf(&text, " %s", bench_id(reader->bench, member)),
				0);
			continue;
		}
		if (reader->kind != LISTING_DAYS) {
			assert_int_equal(buf_printf(&text, " %s",
						 listing_name(reader->listing, i)),
				0);
			continue;
		}
		day_print(member - LISTING_DAY_BASE, day);
		assert_int_equal(buf_printf(&text, " %s", day), 0);
	}
	assert_text(&text, wanted);
	buf_done(&text);
}

void assert_told_gone(struct bench *bench, const char *wanted)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (unsigned i = 0; i < bench->gone_len; i++)
		assert_int_equal(buf_printf(&text, " %s", bench->gone[i]), 0);
	assert_text(&text, wanted);
	buf_done(&text);
	bench->gone_len = 0;
}

static void note_wake(struct waiter *waiter, int error)
{
	struct bench_waiting *waiting = list_entry(waiter, struct bench_waiting, waiter);

	waiting->told++;
	waiting->error = error;
}

void bench_wait(struct wait_queue *queue, struct bench_waiting *waiting)
{
	*waiting = (struct bench_waiting){0};
	waiter_init(&waiting->waiter, note_wake);
	wait_enter(queue, &waiting->waiter);
}
