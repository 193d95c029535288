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
	return ((struct sync_fixture *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
	return fixture_noon_ms() + ((struct sync_fixture *)ctx)->now_ms;
}

int64_t fixture_noon_ms(void)
{
	int64_t ms;

	assert_int_equal(timestamp_parse("2026-04-01T12:00Z", &ms), 0);
	return ms;
}

static void on_job_changed(void *ctx, const struct catalog_job *job)
{
	struct sync_fixture *fixture = ctx;

	assert_true(fixture->deleted_len < DELETED_MAX);
	strcpy(fixture->deleted[fixture->deleted_len++], job->job.id);
}

static void on_turn(void *ctx)
{
	sync_commit(((struct sync_fixture *)ctx)->sync);
}

void fixture_reset(struct sync_fixture *fixture, int connections, unsigned page_size)
{
	static const struct sync_handlers handlers = {.on_job_changed = on_job_changed};
	const struct sync_config config = {
		.ttl_ms = fixture->no_ttl ? 0 : FIXTURE_TTL_MS,
		.connections = connections,
		.page_size = page_size,
		.offline_ok = fixture->offline_ok,
		.offline = fixture->offline,
	};

	sync_free(fixture->sync);
	fixture->sync = NULL;
	if (!fixture->offline)
		assert_int_equal(saved_listings_forget_all(fixture->catalog), 0);
	assert_int_equal(sync_new(fixture->loop, &fixture->log, fixture->catalog,
				 fixture->api, &config, &fixture->sync),
		0);
	sync_set_handlers(fixture->sync, &handlers, fixture);
}

static int set_up(void **state, uint64_t texts_max)
{
	const struct catalog_config config = {.texts_max = texts_max};
	struct sync_fixture *fixture = test_calloc(1, sizeof(*fixture));

	alarm(WATCHDOG_S);
	fixture->clock = (struct clock){
		.mono_ms = mono_ms, .wall_ms = wall_ms, .ctx = fixture};
	fixture->now_ms = 1000;
	log_init(&fixture->log, "test", false, false);
	fixture->api = fake_new(&fixture->clock);
	list_init(&fixture->readers);
	assert_int_equal(loop_new(&fixture->clock, &fixture->loop), 0);
	assert_int_equal(
		catalog_open(&config, &fixture->clock, &fixture->log, &fixture->catalog),
		0);
	loop_set_hook(fixture->loop, on_turn, fixture);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 0);
	*state = fixture;
	return 0;
}

int fixture_set_up(void **state)
{
	return set_up(state, 64 << 20);
}

int fixture_set_up_small(void **state)
{
	return set_up(state, FIXTURE_TEXTS_SMALL);
}

int fixture_tear_down(void **state)
{
	struct sync_fixture *fixture = *state;

	/* A failed test leaves its readers open. */
	while (!list_empty(&fixture->readers))
		reader_close(list_entry(fixture->readers.next, struct reader, link));
	sync_free(fixture->sync);
	api_free(fixture->api);
	catalog_close(fixture->catalog);
	loop_free(fixture->loop);
	test_free(fixture);
	alarm(0);
	return 0;
}

struct query fixture_query(const char *status, const char *key, const char *values)
{
	struct query query;

	query_init(&query);
	if (status)
		assert_int_equal(query_narrow(&query, QUERY_STATUS, status), 0);
	if (key)
		assert_int_equal(query_narrow(&query, QUERY_KEY, key), 0);
	if (values)
		assert_int_equal(query_narrow(&query, QUERY_VALUE, values), 0);
	return query;
}

void fixture_add(struct sync_fixture *fixture, const char *id, enum job_status status,
	unsigned minutes, const char *metadata)
{
	struct fake_job *job = fake_add(fixture->api, id, status,
		fixture_noon_ms() - (int64_t)minutes * 60 * 1000);

	job->metadata = metadata;
}

void fixture_fill(struct sync_fixture *fixture, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "j%03u", i);
		fake_add(fixture->api, id, JOB_DONE,
			fixture_noon_ms() - (int64_t)i * MINUTE_MS);
	}
}

void fixture_turn(struct sync_fixture *fixture)
{
	assert_int_equal(loop_turn(fixture->loop, 0), 0);
}

void fixture_forward(struct sync_fixture *fixture, int64_t ms)
{
	fixture->now_ms += ms;
	fixture_turn(fixture);
}

void fixture_settle(struct sync_fixture *fixture)
{
	while (fixture->api->pending_len) {
		fake_answer(fake_call(fixture->api, 0));
		fixture_turn(fixture);
	}
}

const char *fixture_id(struct sync_fixture *fixture, int64_t row)
{
	static struct catalog_job job;

	return jobs_by_row(fixture->catalog, row, &job) ? "?" : job.job.id;
}

static void on_wake(struct waiter *waiter, int error)
{
	struct reader *reader = list_entry(waiter, struct reader, waiter);

	reader->wakeups++;
	reader->error = error;
}

struct reader *reader_open(
	struct sync_fixture *fixture, enum listing_kind kind, const struct query *query)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	assert_non_null(reader);
	reader->fixture = fixture;
	reader->kind = kind;
	list_append(&fixture->readers, &reader->link);
	waiter_init(&reader->waiter, on_wake);
	assert_int_equal(listing_get(fixture->sync, kind, query, &reader->listing), 0);
	return reader;
}

struct reader *reader_open_all(struct sync_fixture *fixture)
{
	struct query query;

	query_init(&query);
	return reader_open(fixture, LISTING_JOBS, &query);
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
	struct sync_fixture *fixture = reader->fixture;
	int err;

	while ((err = reader_read(reader)) == -EAGAIN) {
		unsigned wakeups = reader->wakeups;

		while (reader->wakeups == wakeups) {
			if (fixture->api->pending_len)
				fake_answer(fake_call(fixture->api, 0));
			fixture_turn(fixture);
		}
		if (reader->error)
			return reader->error;
	}
	return err == -ENOENT ? 0 : err;
}

int fixture_read_all(
	struct sync_fixture *fixture, enum listing_kind kind, const struct query *query)
{
	struct reader *reader = reader_open(fixture, kind, query);
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
	struct api *api = reader->fixture->api;
	size_t at = 0;

	for (unsigned i = 0; i < api->jobs_len; i++) {
		const struct job *job = &api->jobs[i].job;

		if (api->jobs[i].nameless || !query_matches(query, job))
			continue;
		assert_true(at < listing_len(reader->listing));
		assert_string_equal(fixture_id(reader->fixture,
					    listing_member(reader->listing, at++)),
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
			assert_int_equal(buf_printf(&text, " %s",
						 fixture_id(reader->fixture, member)),
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

void assert_deleted(struct sync_fixture *fixture, const char *wanted)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (unsigned i = 0; i < fixture->deleted_len; i++)
		assert_int_equal(buf_printf(&text, " %s", fixture->deleted[i]), 0);
	assert_text(&text, wanted);
	buf_done(&text);
	fixture->deleted_len = 0;
}

static void note_wake(struct waiter *waiter, int error)
{
	struct counting_waiter *waiting = list_entry(
		waiter, struct counting_waiter, waiter);

	waiting->wakeups++;
	waiting->error = error;
}

void fixture_wait(struct wait_queue *queue, struct counting_waiter *waiting)
{
	*waiting = (struct counting_waiter){0};
	waiter_init(&waiting->waiter, note_wake);
	wait_enter(queue, &waiting->waiter);
}

bool fixture_is_fresh(struct sync_fixture *fixture, const char *id)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_id(fixture->catalog, id, &job), 0);
	return sync_is_fresh(fixture->sync, &job, fixture_noon_ms() + fixture->now_ms);
}

bool fixture_is_deleted(struct sync_fixture *fixture, const char *id)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_id(fixture->catalog, id, &job), 0);
	return job.deleted;
}
