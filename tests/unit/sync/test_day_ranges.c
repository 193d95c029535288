/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "sync/day_ranges.h"

/*
 * SEMANTICS 3.4: the days of an account are found by a limited number of requests. The
 * account is an array of the number of jobs on each day, the newest first; all
 * connections are answered at the same time, which is called a round.
 */
enum { ACCOUNT_DAYS = 4000, NEWEST_DAY = 20000, SAMPLE = 3 };

struct account {
	unsigned jobs[ACCOUNT_DAYS];
	unsigned page_jobs; /* 0: samples only */
	/* Results. */
	unsigned days;
	unsigned requests;
	unsigned rounds;
	unsigned emitted;
	int64_t last;
};

struct asked {
	struct day_range *range;
	struct span span;
};

static void search(
	struct account *account, struct day_ranges *ranges, const struct asked *asked)
{
	struct day_range *range = asked->range;
	unsigned left = account->page_jobs && range->searched ? account->page_jobs
							      : SAMPLE;
	unsigned limit = left;
	struct rows days = {0};
	bool last = true;

	for (int64_t i = 0; i < ACCOUNT_DAYS && last; i++) {
		int64_t day = NEWEST_DAY - i;

		if (day * DAY_MS >= asked->span.to_ms ||
			day * DAY_MS < asked->span.from_ms || !account->jobs[i])
			continue;
		last = left > 0;
		if (left)
			assert_int_equal(rows_append(&days, &day, 1), 0);
		last = last && left >= account->jobs[i];
		left -= left < account->jobs[i] ? left : account->jobs[i];
	}
	range->busy = false;
	if (account->page_jobs && days.len)
		range->job_ms = (int64_t)days.len * DAY_MS / (limit - left);
	assert_int_equal(day_ranges_answered(ranges, range, &days, last), 0);
	rows_done(&days);
}

static void emit(struct account *account, struct day_ranges *ranges)
{
	int64_t day;

	while (day_ranges_emit(ranges, &day)) {
		assert_true(day < account->last);
		assert_true(account->jobs[NEWEST_DAY - day] > 0);
		account->last = day;
		account->emitted++;
	}
}

/* Searches the whole account, and checks that each of its days is emitted, in order. */
static void search_all(
	struct account *account, unsigned connections, const struct query *query)
{
	struct asked asked[64];
	struct day_ranges ranges;

	account->days = 0;
	account->requests = 0;
	account->rounds = 0;
	account->emitted = 0;
	account->last = INT64_MAX;
	for (unsigned i = 0; i < ACCOUNT_DAYS; i++)
		account->days += account->jobs[i] > 0;
	assert_int_equal(day_ranges_init(&ranges, query, connections), 0);
	if (account->page_jobs)
		ranges.page_jobs = account->page_jobs;
	while (!day_ranges_complete(&ranges)) {
		unsigned len = 0;
		struct day_range *range;

		while ((range = day_ranges_next(&ranges))) {
			assert_true(len < connections);
			asked[len++] = (struct asked){range, range->span};
			range->busy = true;
		}
		assert_true(len > 0);
		account->requests += len;
		account->rounds++;
		for (unsigned i = 0; i < len; i++)
			search(account, &ranges, &asked[i]);
		emit(account, &ranges);
		assert_true(account->rounds > 1 || account->emitted || !account->days);
	}
	assert_int_equal(account->emitted, account->days);
	assert_true(account->requests <= account->days + connections);
	day_ranges_done(&ranges);
}

static void search_everything(struct account *account, unsigned connections)
{
	struct query all;

	query_init(&all);
	search_all(account, connections, &all);
}

/* Makes an account of `days` days with `jobs` jobs each, without Saturdays and Sundays if
 * `week` is 5.
 */
static void make(struct account *account, unsigned days, unsigned jobs, unsigned week)
{
	*account = (struct account){0};
	for (unsigned i = 0; i < days; i++)
		account->jobs[i] = (i + 2) % 7 < week ? jobs : 0;
}

/*
 * A year takes hardly more rounds than its days need with all connections. One connection
 * is lost once the oldest day is known, because its range has to be found empty.
 */
static void a_year(void **state)
{
	struct account account;

	(void)state;
	make(&account, 366, 82, 7);
	search_everything(&account, 8);
	assert_in_range(account.rounds, 46, 48);
	make(&account, 366, 82, 5);
	search_everything(&account, 8);
	assert_in_range(account.rounds, 33, 37);
	make(&account, 366, 8, 7);
	account.page_jobs = 80;
	search_everything(&account, 8);
	assert_in_range(account.rounds, 5, 8);
}

/* Accounts of any age take few more rounds than they need at least. */
static void other_ages(void **state)
{
	static const unsigned ages[] = {
		1, 3, 7, 14, 30, 60, 91, 180, 300, 500, 1000, 3000};
	struct account account;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++)
		for (unsigned week = 5; week <= 7; week += 2) {
			make(&account, ages[i], 300, week);
			search_everything(&account, 8);
			assert_in_range(account.rounds, account.days / 8,
				account.days / 8 + account.days / 64 + 8);
		}
}

/* An account with jobs once a month or once a week is not searched day by day. */
static void few_days(void **state)
{
	static const unsigned gaps[] = {7, 30, 365};
	struct account account;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		account = (struct account){0};
		for (unsigned day = 0; day < ACCOUNT_DAYS; day += gaps[i])
			account.jobs[day] = 1000;
		search_everything(&account, 8);
	}
}

/* One connection skips from day to day. */
static void one_connection(void **state)
{
	struct account account;

	(void)state;
	make(&account, 100, 300, 5);
	search_everything(&account, 1);
	assert_int_equal(account.requests, account.days + 1);
	assert_int_equal(account.rounds, account.requests);
}

/* SEMANTICS 3.4.6: however the jobs are distributed, the number of requests is limited.
 */
static void any_account(void **state)
{
	unsigned seed = 1;
	struct account account;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		unsigned most = 1u << rand_r(&seed) % 12;
		unsigned gap = 1u << rand_r(&seed) % 9;

		account = (struct account){
			.page_jobs = i % 3 ? 1u << rand_r(&seed) % 10 : 0};
		for (unsigned day = 0; day < most;
			day += 1 + (unsigned)rand_r(&seed) % gap)
			account.jobs[day] = 1 + (unsigned)rand_r(&seed) % 50;
		search_everything(&account, 1 + (unsigned)rand_r(&seed) % 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year),
		cmocka_unit_test(other_ages),
		cmocka_unit_test(few_days),
		cmocka_unit_test(one_connection),
		cmocka_unit_test(any_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
