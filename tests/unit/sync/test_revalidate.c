/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "failing_read.h"
#include "gladia/timestamp.h"
#include "sync_fixture.h"

/*
 * SEMANTICS 7.2, as a model: accounts change as real ones do (jobs are created at the
 * head, finish, are deleted) between refreshes and during them. Each refresh shows every
 * job that matches all the time, once, and no job that was deleted before it began. If
 * little has changed, a refresh costs less than reading the account.
 */
enum {
	ROUNDS = 400,
	ROUNDS_SHORT = 30, /* for valgrind, which is fifty times slower */
	REFRESHES = 5,
	JOBS_MAX = 600, /* jobs created in a round, at most */
	STEPS_MAX = 2000,
	MINUTE_MS = 60 * 1000,
};

struct model_job {
	bool always; /* it has matched since the refresh began */
	bool ever;
	unsigned emitted;
};

struct model {
	struct sync_fixture *fixture;
	uint64_t random;
	struct query query;
	struct model_job jobs[JOBS_MAX];
	unsigned jobs_len; /* number of jobs created so far */
	int64_t created_ms;
	unsigned finished; /* one new job in this many is unfinished */
	unsigned busy;     /* one answer in this many is followed by a change; 0: none */
	unsigned cheap;    /* refreshes that cost less than half of reading */
};

/* xorshift64* (Vigna 2016). */
static unsigned draw(struct model *model, unsigned below)
{
	model->random ^= model->random >> 12;
	model->random ^= model->random << 25;
	model->random ^= model->random >> 27;
	return (unsigned)(model->random * 0x2545f4914f6cdd1du >> 33) % below;
}

static struct model_job *known(struct model *model, const struct fake_job *job)
{
	unsigned number;

	assert_int_equal(sscanf(job->job.id, "k%u", &number), 1);
	return &model->jobs[number];
}

static void note(struct model *model, const struct fake_job *job)
{
	struct model_job *noted = known(model, job);
	bool matches = query_matches(&model->query, &job->job);

	noted->always = noted->always && matches;
	noted->ever = noted->ever || matches;
}

/*
 * Creates a job. Its timestamp is never that of a job that a refresh has already shown.
 */
static void create(struct model *model, bool same_time)
{
	enum job_status status = draw(model, model->finished) ? JOB_DONE : JOB_QUEUED;
	char id[16];

	if (model->jobs_len == JOBS_MAX)
		return;
	if (!same_time)
		model->created_ms += MINUTE_MS;
	snprintf(id, sizeof(id), "k%04u", model->jobs_len);
	model->jobs[model->jobs_len++] = (struct model_job){0};
	note(model, fake_add(model->fixture->api, id, status, model->created_ms));
}

static void finish_one(struct model *model)
{
	struct api *api = model->fixture->api;

	for (unsigned i = 0; i < api->jobs_len; i++) {
		struct fake_job *job = &api->jobs[i];

		if (job_finished(&job->job) || draw(model, 2))
			continue;
		job->job.status = draw(model, 3) ? JOB_DONE : JOB_ERROR;
		job->job.completed_ms = job->job.created_ms + 1;
		job->edition++;
		note(model, job);
		return;
	}
}

static void change(struct model *model)
{
	struct api *api = model->fixture->api;
	unsigned kind = draw(model, 4);

	if (kind == 0) {
		create(model, false);
	} else if (kind == 1 && api->jobs_len) {
		struct fake_job *job = &api->jobs[draw(model, api->jobs_len)];

		known(model, job)->always = false;
		fake_remove(api, job->job.id);
	} else {
		finish_one(model);
	}
}

static void begin_refresh(struct model *model)
{
	struct api *api = model->fixture->api;

	for (unsigned i = 0; i < model->jobs_len; i++)
		model->jobs[i] = (struct model_job){0};
	for (unsigned i = 0; i < api->jobs_len; i++) {
		known(model, &api->jobs[i])->always = true;
		note(model, &api->jobs[i]);
	}
}

static void check(struct model *model, const struct reader *reader)
{
	for (size_t i = 0; i < listing_len(reader->listing); i++) {
		const char *id = fixture_id(
			model->fixture, listing_member(reader->listing, i));
		unsigned number;

		assert_int_equal(sscanf(id, "k%u", &number), 1);
		assert_true(model->jobs[number].ever);
		assert_int_equal(model->jobs[number].emitted++, 0);
	}
	for (unsigned i = 0; i < model->jobs_len; i++)
		if (model->jobs[i].always)
			assert_int_equal(model->jobs[i].emitted, 1);
}

static void refresh(struct model *model)
{
	struct sync_fixture *fixture = model->fixture;
	unsigned before = fixture->api->lists + fixture->api->gets;
	struct reader *reader;
	unsigned steps = 0;
	int err;

	begin_refresh(model);
	reader = reader_open(fixture, LISTING_JOBS, &model->query);
	while ((err = reader_read(reader)) == -EAGAIN) {
		assert_true(++steps < STEPS_MAX);
		/*
		 * Fetches of moved jobs may still be in flight while the listing is read
		 * again.
		 */
		assert_in_range(fixture->api->pending_len, 1, 2 * FIXTURE_CONNECTIONS);
		if (!draw(model, 50))
			fake_fail(fake_call(fixture->api, 0), -EBUSY, "");
		else
			fake_answer(fake_call(
				fixture->api, draw(model, fixture->api->pending_len)));
		if (model->busy && !draw(model, model->busy))
			change(model);
		fixture_forward(fixture, 1);
	}
	assert_int_equal(err, -ENOENT);
	check(model, reader);

	unsigned requests = fixture->api->lists + fixture->api->gets - before;

	model->cheap += requests < listing_len(reader->listing) / 9 / 2;
	reader_close(reader);
}

static void draw_query(struct model *model)
{
	static const char *const words[] = {"done", "error,done", "queued,processing"};
	unsigned kind = draw(model, 6);

	query_init(&model->query);
	if (kind < 3)
		assert_int_equal(
			query_narrow(&model->query, QUERY_STATUS, words[kind]), 0);
	if (kind == 5)
		assert_int_equal(
			query_narrow(&model->query, QUERY_AFTER, "2026-03-31T13:00Z"), 0);
}

static void run_round(struct model *model, struct sync_fixture *fixture, unsigned round)
{
	static const struct sync_handlers none;
	unsigned jobs;
	unsigned cheap = model->cheap;

	*model = (struct model){.fixture = fixture, .random = round + 1, .cheap = cheap};
	for (unsigned i = 0; i < 4; i++)
		draw(model, 2);
	fixture->api->jobs_len = 0;
	fixture->api->rules = (struct fake_rules){
		.next_after_full = draw(model, 2),
		.next_until_empty = !draw(model, 3),
		.missing_past_end = draw(model, 2),
		.limits_inclusive = draw(model, 2),
		.summaries = true,
	};
	draw_query(model);
	model->busy = draw(model, 3) * 4;
	model->finished = 4 + draw(model, 60);
	model->created_ms = fixture_noon_ms() - (int64_t)DAY_MS;
	fixture_reset(fixture, FIXTURE_CONNECTIONS, 10);
	sync_set_handlers(fixture->sync, &none, NULL);
	jobs = draw(model, 300);
	for (unsigned i = 0; i < jobs; i++)
		create(model, i && !draw(model, 4));
	for (unsigned i = 0; i < REFRESHES; i++) {
		unsigned changes = draw(model, 3) ? draw(model, 4) : draw(model, 30);

		refresh(model);
		while (changes--)
			change(model);
		fixture_forward(fixture, FIXTURE_TTL_MS);
	}
}

static void refreshes_show_the_account(void **state)
{
	struct model *model = test_calloc(1, sizeof(*model));
	unsigned rounds = getenv("GLADIAFS_TEST_SHORT") ? ROUNDS_SHORT : ROUNDS;

	for (unsigned round = 0; round < rounds; round++)
		run_round(model, *state, round);
	assert_in_range(model->cheap, rounds / 5, rounds * REFRESHES);
	test_free(model);
}

/* Adds a hundred jobs and refreshes until the unfinished jobs of the query are known. */
static struct query begin_looking(struct sync_fixture *fixture)
{
	struct query query;

	query_init(&query);
	assert_int_equal(query_narrow(&query, QUERY_STATUS, "done"), 0);
	fixture_reset(fixture, 4, 10);
	fixture_fill(fixture, 0, 100);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fixture_read_all(fixture, LISTING_JOBS, &query), 0);
		fixture_forward(fixture, FIXTURE_TTL_MS);
	}
	fixture->api->lists = 0;
	return query;
}

static void finish_job(struct sync_fixture *fixture, const char *id)
{
	struct job *job = &fake_find(fixture->api, id)->job;

	job->status = JOB_DONE;
	job->completed_ms = job->created_ms + 1;
}

/*
 * If nothing has changed, a refresh reads the head, the unfinished jobs, the tail, and
 * the head again.
 */
static void unchanged_listing_costs_few_requests(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = begin_looking(fixture);
	struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);

	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	assert_int_equal(fixture->api->lists, 4);
	reader_close(reader);
}

/*
 * A deletion is found even if a job finishes during the refresh and moves the others back
 * to their expected offsets.
 */
static void finishing_does_not_hide_a_deletion(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	fake_add(fixture->api, "q", JOB_QUEUED, fixture_noon_ms() - 19 * MINUTE_MS - 1);
	query = begin_looking(fixture);
	fake_remove(fixture->api, "j030");
	reader = reader_open(fixture, LISTING_JOBS, &query);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reader_read(reader), -EAGAIN);
		fake_answer(fake_call(fixture->api, 0));
		fixture_forward(fixture, 1);
	}
	finish_job(fixture, "q");
	assert_int_equal(reader_finish(reader), 0);
	assert_as_account(reader, &query);
	reader_close(reader);
}

static bool tells(const struct reader *reader, const char *id)
{
	for (size_t i = 0; i < listing_len(reader->listing); i++)
		if (strcmp(fixture_id(
				   reader->fixture, listing_member(reader->listing, i)),
			    id) == 0)
			return true;
	return false;
}

/*
 * A deletion is found even if a new job in the head finishes after the head was read. The
 * reader may be slow.
 */
static void new_ones_that_finish_do_not_hide_deletions(void **state)
{
	static const char *const finishing[] = {"q00", "q07", "q11"};
	struct sync_fixture *fixture = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct query query = begin_looking(fixture);
		struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);

		/*
		 * In front of each queued job is a newer one that is done: they fill two
		 * pages.
		 */
		for (int at = 0; at < 12; at++) {
			int64_t created_ms = fixture_noon_ms() + (at + 1) * MINUTE_MS;
			char id[16];

			snprintf(id, sizeof(id), "q%02d", at);
			fake_add(fixture->api, id, JOB_QUEUED, created_ms);
			snprintf(id, sizeof(id), "n%02d", at);
			fake_add(fixture->api, id, JOB_DONE, created_ms + 1);
		}
		fake_remove(fixture->api, "j030");
		while (listing_len(reader->listing) < 12) {
			assert_int_equal(reader_read(reader), -EAGAIN);
			fake_answer(fake_call(fixture->api, 0));
			fixture_forward(fixture, 1);
		}
		finish_job(fixture, finishing[i]);
		assert_int_equal(reader_finish(reader), 0);
		assert_true(tells(reader, finishing[i]));
		assert_false(tells(reader, "j030"));
		reader_close(reader);
		fixture->api->jobs_len = 0;
	}
}

/*
 * A deletion is found even if the job that finishes has the timestamp of the newest known
 * job and follows it.
 */
static void one_of_the_first_timestamp_does_not_hide_a_deletion(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query = begin_looking(fixture);
	struct reader *reader = reader_open(fixture, LISTING_JOBS, &query);
	int64_t created_ms = fake_find(fixture->api, "j000")->job.created_ms;

	fake_add(fixture->api, "q", JOB_QUEUED, created_ms);
	fake_remove(fixture->api, "j030");
	assert_int_equal(reader_read(reader), -EAGAIN);
	fake_answer(fake_call(fixture->api, 0));
	fixture_forward(fixture, 1);
	finish_job(fixture, "q");
	assert_int_equal(reader_finish(reader), 0);
	assert_true(tells(reader, "q"));
	assert_false(tells(reader, "j030"));
	reader_close(reader);
}

/*
 * Deletions are found even if jobs have equal timestamps, so that their order is not
 * known.
 */
static void one_of_several_at_a_timestamp_finishes(void **state)
{
	struct sync_fixture *fixture = *state;
	struct query query;
	struct reader *reader;

	fake_add(fixture->api, "x1", JOB_DONE, fixture_noon_ms() - 19 * MINUTE_MS - 1);
	fake_add(fixture->api, "x2", JOB_DONE, fixture_noon_ms() - 19 * MINUTE_MS - 1);
	fake_add(fixture->api, "x3", JOB_QUEUED, fixture_noon_ms() - 19 * MINUTE_MS - 1);
	query = begin_looking(fixture);
	for (int i = 0; i < 2; i++) {
		fake_remove(fixture->api, i ? "j030" : "j031");
		if (i)
			finish_job(fixture, "x3");
		reader = reader_open(fixture, LISTING_JOBS, &query);
		assert_int_equal(reader_finish(reader), 0);
		assert_as_account(reader, &query);
		reader_close(reader);
		fixture_forward(fixture, FIXTURE_TTL_MS);
	}
}

/*
 * A refresh that finds a finished job and a deletion, while the catalog fails to read
 * some row. The reader gets -EIO, or the listing as it is: no job is lost.
 */
static void a_row_that_cannot_be_read_hides_no_job(void **state)
{
	struct sync_fixture *fixture = *state;
	bool failed = true;

	for (unsigned number = 1; failed; number++) {
		struct query query;
		struct reader *reader;
		int err;

		fixture->api->jobs_len = 0;
		fake_add(fixture->api, "q", JOB_QUEUED,
			fixture_noon_ms() - 19 * MINUTE_MS);
		query = begin_looking(fixture);
		fake_remove(fixture->api, "j030");
		finish_job(fixture, "q");
		reader = reader_open(fixture, LISTING_JOBS, &query);
		failing_read_at(number);
		err = reader_finish(reader);
		failed = failing_read_calls() >= number;
		failing_read_at(0);
		if (err) {
			assert_true(failed);
			assert_int_equal(err, -EIO);
			assert_int_equal(reader_finish(reader), 0);
		}
		assert_as_account(reader, &query);
		reader_close(reader);
	}
}

int main(void)
{
#define TEST(test) \
	cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(unchanged_listing_costs_few_requests),
		TEST(finishing_does_not_hide_a_deletion),
		TEST(new_ones_that_finish_do_not_hide_deletions),
		TEST(one_of_the_first_timestamp_does_not_hide_a_deletion),
		TEST(one_of_several_at_a_timestamp_finishes),
		TEST(a_row_that_cannot_be_read_hides_no_job),
		TEST(refreshes_show_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
