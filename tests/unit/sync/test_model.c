/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "gladia/timestamp.h"
#include "sync_fixture.h"

/*
 * SEMANTICS 6.3, as a model: accounts change while they are listed, and pages are
 * answered in any order. A job that matches all the time is emitted, no job is emitted
 * twice, and none that never matched. Every listing ends, after a bounded number of
 * requests.
 */
enum {
	ROUNDS = 3000,
	ROUNDS_SHORT = 200, /* for valgrind, which is fifty times slower */
	JOBS_MAX = 400,     /* jobs created in a round, at most */
	CHANGES_MAX = 100,
	STEPS_MAX = 5000,
	DAYS = 4,
};

struct model_job {
	bool exists;
	bool always; /* it has matched since the listing began */
	bool ever;
	unsigned emitted;
};

struct model {
	struct sync_fixture *fixture;
	uint64_t random;
	struct query query;
	struct model_job jobs[JOBS_MAX];
	unsigned jobs_len; /* number of jobs created so far */
	unsigned existing;
	unsigned changes;
	unsigned changes_max;
	unsigned failures;
	int connections;
	unsigned page_size;
};

/* xorshift64* (Vigna 2016). */
static unsigned draw(struct model *model, unsigned below)
{
	model->random ^= model->random >> 12;
	model->random ^= model->random << 25;
	model->random ^= model->random >> 27;
	return (unsigned)(model->random * 0x2545f4914f6cdd1du >> 33) % below;
}

static void id_of(unsigned number, char id[static 16])
{
	snprintf(id, 16, "m%04u", number);
}

static void note(struct model *model, const struct fake_job *job)
{
	unsigned number;

	assert_int_equal(sscanf(job->job.id, "m%u", &number), 1);

	struct model_job *known = &model->jobs[number];
	bool matches = query_matches(&model->query, &job->job);

	known->always = known->always && matches;
	known->ever = known->ever || matches;
}

static enum job_status draw_status(struct model *model)
{
	/* Most jobs are done. */
	return draw(model, 3) ? JOB_DONE : (enum job_status)draw(model, JOB_STATUSES);
}

/*
 * Creates a job at the head, as the API does, or anywhere, like a job that starts to
 * match.
 */
static void create(struct model *model, bool head)
{
	int64_t created_ms = fixture_noon_ms() -
			     draw(model, DAYS * 1000) * (DAY_MS / 1000);
	char id[16];

	if (model->jobs_len == JOBS_MAX)
		return;
	if (head)
		created_ms = fixture_noon_ms() + model->jobs_len;
	id_of(model->jobs_len, id);
	model->jobs[model->jobs_len++] = (struct model_job){.exists = true};
	model->existing++;
	note(model, fake_add(model->fixture->api, id, draw_status(model), created_ms));
}

static void change(struct model *model)
{
	struct api *api = model->fixture->api;
	unsigned kind = draw(model, 8);

	model->changes++;
	if (kind < 3 || !api->jobs_len) {
		create(model, kind);
		return;
	}

	struct fake_job *job = &api->jobs[draw(model, api->jobs_len)];
	unsigned number;

	assert_int_equal(sscanf(job->job.id, "m%u", &number), 1);
	if (kind < 6) {
		model->jobs[number].exists = false;
		model->jobs[number].always = false;
		model->existing--;
		fake_remove(api, job->job.id);
		return;
	}
	job->job.status = draw_status(model);
	note(model, job);
}

/* Makes several changes at once, like a clean-up or a batch. */
static void change_some(struct model *model)
{
	unsigned count = draw(model, 4) ? draw(model, 3) : draw(model, 30);

	while (count-- && model->changes < model->changes_max)
		change(model);
}

static void draw_rules(struct model *model)
{
	struct fake_rules *rules = &model->fixture->api->rules;

	*rules = (struct fake_rules){
		.order = (enum fake_order)draw(model, 3),
		.gives_at_most = draw(model, 3) ? 0 : 2 + draw(model, 10),
		.refuses_above = draw(model, 4) ? 0 : 2 + draw(model, 20),
		.next_after_full = draw(model, 2),
		.next_until_empty = !draw(model, 3),
		.missing_past_end = draw(model, 2),
		.limits_inclusive = draw(model, 2),
		.summaries = true,
	};
}

static void draw_query(struct model *model)
{
	static const char *const dates[] = {"2026-04-01", "2026-04-01,2026-03-30",
		"2026-03-31,2026-03-29,2026-04-01"};

	query_init(&model->query);
	if (draw(model, 2))
		assert_int_equal(query_narrow(&model->query, QUERY_STATUS, "done"), 0);
	if (!draw(model, 3))
		assert_int_equal(
			query_narrow(&model->query, QUERY_DATE, dates[draw(model, 3)]),
			0);
}

static void set_up_round(
	struct model *model, struct sync_fixture *fixture, unsigned round)
{
	static const struct sync_handlers none;
	unsigned jobs;

	*model = (struct model){.fixture = fixture, .random = round + 1};
	for (unsigned i = 0; i < 4; i++)
		draw(model, 2);
	fixture->api->jobs_len = 0;
	draw_rules(model);
	draw_query(model);
	model->connections = 1 + (int)draw(model, 8);
	model->page_size = draw(model, 4) ? 2 + draw(model, 12) : 0;
	model->changes_max = draw(model, 4) ? draw(model, CHANGES_MAX) : 0;
	fixture_reset(fixture, model->connections, model->page_size);
	sync_set_handlers(fixture->sync, &none, NULL);
	jobs = draw(model, draw(model, 3) ? 60 : 121);
	for (unsigned i = 0; i < jobs; i++)
		create(model, draw(model, 2));
	for (unsigned i = 0; i < jobs; i++)
		model->jobs[i].always = model->jobs[i].ever;
}

/* Answers one of the pending calls, or makes it fail. */
static void answer_one(struct model *model)
{
	struct api *api = model->fixture->api;
	struct api_call *call = fake_call(api, draw(model, api->pending_len));

	if (!draw(model, 40)) {
		model->failures++;
		fake_fail(call, -EBUSY, "");
	} else {
		fake_answer(call);
	}
}

static void check(struct model *model, const struct reader *reader)
{
	for (size_t i = 0; i < listing_len(reader->listing); i++) {
		const char *id = fixture_id(
			model->fixture, listing_member(reader->listing, i));
		unsigned number;

		assert_int_equal(sscanf(id, "m%u", &number), 1);
		assert_true(model->jobs[number].ever);
		assert_int_equal(model->jobs[number].emitted++, 0);
	}
	for (unsigned i = 0; i < model->jobs_len; i++)
		if (model->jobs[i].always)
			assert_int_equal(model->jobs[i].emitted, 1);
}

/* Returns the number of jobs of the smallest page that this round can have. */
static unsigned smallest_page(const struct model *model)
{
	const struct fake_rules *rules = &model->fixture->api->rules;
	unsigned jobs = model->page_size ? model->page_size : API_LIMIT_DEFAULT;

	if (rules->gives_at_most && jobs > rules->gives_at_most)
		jobs = rules->gives_at_most;
	/* A limit that is refused is halved. */
	if (rules->refuses_above && jobs > rules->refuses_above)
		jobs = (rules->refuses_above + 2) / 2;
	return jobs;
}

/*
 * Each page brings one job less than it holds. A change costs at most one page. A failure
 * or the end of a span costs the pages that were read ahead: as many as there are
 * connections, and as many again that arrived before a page in front of them. A few more
 * requests find the page size.
 */
static unsigned requests_allowed(const struct model *model)
{
	unsigned spans = model->query.spans_len;
	unsigned pages = spans + 1 + model->jobs_len / (smallest_page(model) - 1);

	return pages + 8 + model->changes +
	       (spans + model->failures) * 2 * (unsigned)model->connections;
}

static void run_round(struct model *model)
{
	struct sync_fixture *fixture = model->fixture;
	struct reader *reader = reader_open(fixture, LISTING_JOBS, &model->query);
	unsigned before = fixture->api->lists;
	unsigned steps = 0;
	int err;

	while ((err = reader_read(reader)) == -EAGAIN) {
		assert_true(++steps < STEPS_MAX);
		assert_in_range(
			fixture->api->pending_len, 1, (unsigned)model->connections);
		answer_one(model);
		change_some(model);
	}
	assert_int_equal(err, -ENOENT);
	fixture_turn(fixture);
	check(model, reader);
	assert_in_range(fixture->api->lists - before, 1, requests_allowed(model));
	reader_close(reader);
}

static void matching_jobs_are_emitted_once(void **state)
{
	struct model *model = test_calloc(1, sizeof(*model));
	unsigned rounds = getenv("GLADIAFS_TEST_SHORT") ? ROUNDS_SHORT : ROUNDS;

	for (unsigned round = 0; round < rounds; round++) {
		set_up_round(model, *state, round);
		run_round(model);
	}
	test_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(matching_jobs_are_emitted_once,
			fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
