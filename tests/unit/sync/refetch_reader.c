/* SPDX-License-Identifier: MIT */
#include "refetch_reader.h"

#include <errno.h>

#include "cmocka.h"

#include "sync/job_fetch.h"

bool has_text(struct reader *reader, size_t position)
{
	struct catalog_job job;

	assert_int_equal(jobs_by_row(reader->fixture->catalog,
				 listing_member(reader->listing, position), &job),
		0);
	return job.has_text;
}

unsigned count_texts(struct reader *reader)
{
	unsigned texts = 0;

	for (size_t i = 0; i < listing_len(reader->listing); i++)
		texts += has_text(reader, i);
	return texts;
}

struct cached note_cached(struct reader *reader)
{
	struct cached cached = {0};

	for (size_t i = 0; i < MANY; i++) {
		cached.has[i] = has_text(reader, i);
		cached.texts += cached.has[i];
	}
	return cached;
}

void assert_kept(struct reader *reader, const struct cached *before, unsigned lost)
{
	unsigned kept = 0;

	for (size_t i = 0; i < MANY; i++)
		kept += before->has[i] && has_text(reader, i);
	assert_in_range(kept, before->texts - lost, before->texts);
}

struct reader *list_query(struct sync_fixture *fixture, const struct query *query)
{
	struct reader *reader = reader_open(fixture, LISTING_JOBS, query);

	assert_int_equal(reader_finish(reader), 0);
	fixture->api->lists = 0;
	fixture->api->gets = 0;
	fixture->api->cancelled = 0;
	fixture->api->most_pending = 0;
	return reader;
}

struct reader *list_many(struct sync_fixture *fixture)
{
	struct query query;
	struct reader *reader;

	query_init(&query);
	fixture_reset(fixture, FIXTURE_CONNECTIONS, PAGE);
	fixture_fill(fixture, 0, MANY);
	reader = list_query(fixture, &query);
	assert_in_range(count_texts(reader), MANY / 8, MANY / 2);
	return reader;
}

void want(struct reader *reader, size_t position, struct counting_waiter *waiting)
{
	struct sync_fixture *fixture = reader->fixture;
	struct wait_queue *queue;
	struct catalog_job job;

	assert_int_equal(jobs_by_row(fixture->catalog,
				 listing_member(reader->listing, position), &job),
		0);
	assert_int_equal(job_fetch_text(fixture->sync, reader->listing, &job, &queue), 0);
	fixture_wait(queue, waiting);
}

void wait_for(struct sync_fixture *fixture, struct counting_waiter *waiting)
{
	while (!waiting->wakeups)
		fake_answer(fake_call(fixture->api, 0));
	fixture_turn(fixture);
}

void read_one(struct reader *reader, size_t position, struct outcome *outcome)
{
	struct sync_fixture *fixture = reader->fixture;
	int64_t row = listing_member(reader->listing, position);
	struct counting_waiter waiting;
	struct catalog_job job;
	char byte;
	size_t len;

	fixture->now_ms++;
	if (!has_text(reader, position)) {
		want(reader, position, &waiting);
		wait_for(fixture, &waiting);
		outcome->fetched++;
		outcome->missing += waiting.error == -ENOENT;
		if (waiting.error == -ENOENT)
			return;
		assert_int_equal(waiting.error, 0);
	}
	assert_int_equal(jobs_by_row(fixture->catalog, row, &job), 0);
	assert_int_equal(texts_read(fixture->catalog, &job, 0, &byte, 1, &len), 0);
	job_fetch_was_read(fixture->sync, row);
	fixture_turn(fixture);
}

struct outcome read_from_to(struct reader *reader, size_t from, size_t to)
{
	struct outcome outcome = {0};

	for (size_t i = from; i < to; i++)
		read_one(reader, i, &outcome);
	return outcome;
}

struct outcome read_all(struct reader *reader)
{
	return read_from_to(reader, 0, listing_len(reader->listing));
}

void pause_reader(struct sync_fixture *fixture)
{
	fixture_settle(fixture);
	for (int i = 0; i < 4; i++)
		fixture_forward(fixture, IDLE_MS);
}

void assert_requests(struct sync_fixture *fixture, unsigned gets, unsigned lists)
{
	assert_in_range(fixture->api->gets, 0, gets);
	assert_in_range(fixture->api->lists, 0, lists);
	fixture->api->gets = 0;
	fixture->api->lists = 0;
}
