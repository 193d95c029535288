/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "check_api_internal.h"
#include "gladia/timestamp.h"
#include "http/url.h"

/* The questions about filters. */

enum {
	PARAMETERS_MAX = 8192,
	MINUTE_MS = 60 * 1000,
	/* Time zones are from UTC-12:00 to UTC+14:00. */
	ZONE_MIN_MS = -12 * 60 * MINUTE_MS,
	ZONE_MAX_MS = 14 * 60 * MINUTE_MS,
	/* Requests for days; each of them may take another one. */
	DAY_REQUESTS_MAX = 7,
	ROUND_MINUTES = 15,
	ZONE_TEXT = 16,
};

static int filters_print_time(const char *name, int64_t ms, struct buf *out)
{
	char text[TIMESTAMP_TEXT];
	int err = buf_printf(out, "&%s=", name);

	timestamp_print(ms, text);
	return err ? err : http_url_print_encoded(text, strlen(text), out);
}

/* A job that is looked for in a list. */
struct filters_search {
	const struct check_api_job *job;
	bool found;
};

static void filters_on_item(void *ctx, const char *text, size_t len)
{
	struct filters_search *search = ctx;
	char id[CHECK_API_ID_MAX];

	if (check_api_copy_id(
		    json_member((struct json_slice){text, text + len}, "id"), id) &&
		strcmp(id, search->job->id) == 0)
		search->found = true;
}

int check_api_list_range(struct check_api *check, const struct check_api_job *job,
	int64_t after_ms, int64_t before_ms, const char *more, bool *ret_found,
	struct probe_page *ret_page)
{
	CLEANUP(buf_done) struct buf parameters;
	struct filters_search search = {.job = job};
	int err;

	buf_init(&parameters, PARAMETERS_MAX);
	err = buf_printf(&parameters, "limit=%u", check->limit);
	if (!err)
		err = filters_print_time("after_date", after_ms, &parameters);
	if (!err)
		err = filters_print_time("before_date", before_ms, &parameters);
	if (!err)
		err = buf_append_str(&parameters, more);
	if (err)
		return err;
	err = api_probe_list(
		check->probe, parameters.data, filters_on_item, &search, ret_page);
	if (!err)
		*ret_found = search.found;
	return err;
}

int check_api_list_around(struct check_api *check, const struct check_api_job *job,
	const char *more, bool *ret_found, struct probe_page *ret_page)
{
	return check_api_list_range(check, job, job->created_ms - CHECK_API_AROUND_MS,
		job->created_ms + CHECK_API_AROUND_MS, more, ret_found, ret_page);
}

/* Finds out whether the ends of a range are included. */
int check_api_range(struct check_api *check, struct buf *text)
{
	enum { AROUND, BEYOND, AFTER, BEFORE, RANGES };
	static const int ends[RANGES][2] = {
		[AROUND] = {-CHECK_API_AROUND_MS, CHECK_API_AROUND_MS},
		[BEYOND] = {CHECK_API_AROUND_MS, 2 * CHECK_API_AROUND_MS},
		[AFTER] = {0, CHECK_API_AROUND_MS},
		[BEFORE] = {-CHECK_API_AROUND_MS, 0},
	};
	const struct check_api_job *job = &check->jobs[0];
	bool found[RANGES];

	if (!check->jobs_len)
		return check_api_no_job(text);
	for (int i = 0; i < RANGES; i++) {
		struct probe_page page;
		int err = check_api_list_range(check, job, job->created_ms + ends[i][0],
			job->created_ms + ends[i][1], "", &found[i], &page);

		if (err || page.status != 200)
			return check_api_no_answer(err, page.status, text);
	}
	if (found[BEYOND])
		return errmsg_set(
			text, ANSWER_TESTED, "after_date and before_date are ignored");
	if (!found[AROUND])
		return errmsg_set(text, ANSWER_UNTESTED,
			"after_date and before_date hide jobs within the range");
	check->dates_filter = true;
	return errmsg_set(text, ANSWER_TESTED,
		"after_date %s a job of exactly that time, before_date %s it",
		found[AFTER] ? "includes" : "excludes",
		found[BEFORE] ? "includes" : "excludes");
}

/* The zones that are possible so far: from `low` up to, not including, `high`. */
struct filters_zone {
	int64_t low;
	int64_t high;
};

static int64_t filters_time_of_day(const struct check_api_job *job)
{
	return job->created_ms - day_of_timestamp(job->created_ms) * DAY_MS;
}

/*
 * Finds the job that narrows the zone best: with `date=` of its day in UTC the zone is
 * cut at a point that is near `aim`. Returns NULL if no job cuts it.
 */
static const struct check_api_job *filters_choose(
	const struct check_api *check, const struct filters_zone *zone, int64_t aim)
{
	const struct check_api_job *best = NULL;
	int64_t nearest = INT64_MAX;

	for (unsigned i = 0; i < check->jobs_len; i++) {
		int64_t cuts[] = {-filters_time_of_day(&check->jobs[i]),
			DAY_MS - filters_time_of_day(&check->jobs[i])};

		for (size_t k = 0; k < ARRAY_SIZE(cuts); k++) {
			if (cuts[k] <= zone->low || cuts[k] >= zone->high ||
				llabs(cuts[k] - aim) >= nearest)
				continue;
			nearest = llabs(cuts[k] - aim);
			best = &check->jobs[i];
		}
	}
	return best;
}

/*
 * Lists the jobs around `job` with `date=` of the day that is `days` after its day in
 * UTC. Returns an error of api_probe_list(); -EPROTO for another status than 200.
 */
static int filters_is_on_day(
	struct check_api *check, const struct check_api_job *job, int days, bool *ret_is)
{
	char day[DAY_TEXT];
	char parameter[32];
	struct probe_page page;
	int err;

	day_print(day_of_timestamp(job->created_ms) + days, day);
	(void)snprintf(parameter, sizeof(parameter), "&date=%s", day);
	err = check_api_list_around(check, job, parameter, ret_is, &page);
	return !err && page.status != 200 ? -EPROTO : err;
}

/* Narrows the zone by one or two requests for a job that filters_choose() returned. */
static int filters_narrow(struct check_api *check, const struct check_api_job *job,
	struct filters_zone *zone)
{
	int64_t low = -filters_time_of_day(job);
	int64_t high = low + DAY_MS;
	bool earlier = low > zone->low;
	bool same;
	int err = filters_is_on_day(check, job, 0, &same);

	if (!err && !same && earlier && high < zone->high)
		err = filters_is_on_day(check, job, -1, &earlier);
	if (err)
		return err;
	if (same) {
		zone->low = MAX(zone->low, low);
		zone->high = MIN(zone->high, high);
	} else if (earlier) {
		zone->high = low;
	} else {
		zone->low = high;
	}
	return 0;
}

/* Prints "UTC+05:30" for milliseconds east of UTC, which are a multiple of a minute. */
static void filters_print_zone(int64_t ms, char text[static ZONE_TEXT])
{
	unsigned minutes = (unsigned)(llabs(ms) / MINUTE_MS);

	(void)snprintf(text, ZONE_TEXT, "UTC%c%02u:%02u", ms < 0 ? '-' : '+',
		minutes / 60, minutes % 60);
}

static int filters_describe_zone(
	const struct check_api *check, const struct filters_zone *zone, struct buf *text)
{
	const int64_t step = ROUND_MINUTES * MINUTE_MS;
	char low[ZONE_TEXT];
	char high[ZONE_TEXT];

	/* Rounded, because an exact limit is the time of day of a job. */
	filters_print_zone((zone->low - ZONE_MIN_MS) / step * step + ZONE_MIN_MS, low);
	filters_print_zone(
		(zone->high - ZONE_MIN_MS + step - 1) / step * step + ZONE_MIN_MS, high);
	if (zone->low <= 0 && zone->high > 0)
		return errmsg_set(text, ANSWER_TESTED,
			"is in UTC, or in a zone between %s and %s, as %u jobs show", low,
			high, check->jobs_len);
	return errmsg_set(text, ANSWER_TESTED,
		"is in a zone between %s and %s, as %u jobs show", low, high,
		check->jobs_len);
}

/*
 * Narrows the zone until no job can narrow it further, or no more requests shall be sent.
 * Returns an error of filters_is_on_day().
 */
static int filters_find_zone(struct check_api *check, struct filters_zone *zone)
{
	const struct probe_facts *facts = api_probe_facts(check->probe);
	unsigned end = facts->requests + DAY_REQUESTS_MAX;

	while (facts->requests < end) {
		bool utc = zone->low <= 0 && zone->high > 0;
		const struct check_api_job *job = filters_choose(
			check, zone, utc ? 0 : (zone->low + zone->high) / 2);

		if (!job)
			return 0;

		int err = filters_narrow(check, job, zone);

		if (err)
			return err;
	}
	return 0;
}

/* Finds out in which time zone a day of date= is. */
int check_api_day(struct check_api *check, struct buf *text)
{
	struct filters_zone zone = {ZONE_MIN_MS, ZONE_MAX_MS};
	bool wrong;
	int err;

	if (!check->jobs_len)
		return check_api_no_job(text);
	if (!check->dates_filter)
		return errmsg_set(text, ANSWER_UNKNOWN, "unknown: dates select no jobs");
	err = filters_is_on_day(check, &check->jobs[0], -7, &wrong);
	if (!err && wrong)
		return errmsg_set(text, ANSWER_TESTED,
			"date= is ignored beside a range, which gladiafs uses instead");
	if (!err)
		err = filters_find_zone(check, &zone);
	if (err)
		return check_api_no_answer(err, 0, text);
	return filters_describe_zone(check, &zone, text);
}

/* The effect of a filter on custom_metadata. */
enum effect { EFFECT_FILTERS, EFFECT_IGNORED, EFFECT_NOTHING, EFFECT_REFUSED };

/*
 * Finds out what a form of the filter does: `match` are parameters that the job has to
 * match, `other` are those that it must not match. Returns an enum effect, or an error of
 * api_probe_list().
 */
static int filters_effect(
	struct check_api *check, const struct buf *match, const struct buf *other)
{
	const struct buf *forms[] = {match, other};
	bool found[ARRAY_SIZE(forms)];

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct probe_page page;
		int err = check_api_list_around(
			check, &check->described, forms[i]->data, &found[i], &page);

		if (err)
			return err;
		if (page.status != 200)
			return EFFECT_REFUSED;
	}
	return !found[0] ? EFFECT_NOTHING : found[1] ? EFFECT_IGNORED : EFFECT_FILTERS;
}

/* Prints "&custom_metadata={KEY:VALUE}". The words are JSON strings. */
static int filters_print_json(const char *key, const char *value, struct buf *out)
{
	char object[2 * CHECK_API_WORD_MAX + 8];
	int len = snprintf(object, sizeof(object), "{%s:%s}", key, value);
	int err = buf_append_str(out, "&custom_metadata=");

	return err ? err : http_url_print_encoded(object, (size_t)len, out);
}

/* Prints "&custom_metadata[KEY]=VALUE". The words are JSON strings without escapes. */
static int filters_print_brackets(const char *key, const char *value, struct buf *out)
{
	int err = buf_append_str(out, "&custom_metadata%5B");

	if (!err)
		err = http_url_print_encoded(key + 1, strlen(key) - 2, out);
	if (!err)
		err = buf_append_str(out, "%5D=");
	return err ? err : http_url_print_encoded(value + 1, strlen(value) - 2, out);
}

/* Finds out what one form of the filter does. Returns as filters_effect() does. */
static int filters_ask_form(struct check_api *check,
	int (*print)(const char *key, const char *value, struct buf *out))
{
	CLEANUP(buf_done) struct buf match;
	CLEANUP(buf_done) struct buf other;
	int err;

	buf_init(&match, PARAMETERS_MAX);
	buf_init(&other, PARAMETERS_MAX);
	err = print(check->key, check->value, &match);
	if (!err)
		err = print(check->key, "\"no job has this value\"", &other);
	return err ? err : filters_effect(check, &match, &other);
}

/* True if the job is found by its whole custom_metadata. */
static bool filters_matches_whole(struct check_api *check)
{
	CLEANUP(buf_done) struct buf more;
	struct probe_page page;
	bool found = false;
	int err;

	buf_init(&more, PARAMETERS_MAX);
	err = buf_append_str(&more, "&custom_metadata=");
	if (!err)
		err = http_url_print_encoded(
			check->metadata.data, check->metadata.len, &more);
	if (!err)
		err = check_api_list_around(
			check, &check->described, more.data, &found, &page);
	return !err && found;
}

/* Finds out which form of custom_metadata filters. */
int check_api_metadata(struct check_api *check, struct buf *text)
{
	static const char *const words[] = {
		[EFFECT_FILTERS] = "filters",
		[EFFECT_IGNORED] = "is ignored",
		[EFFECT_NOTHING] = "matches no job",
		[EFFECT_REFUSED] = "is refused",
	};
	const char *detail = "";
	int json;
	int brackets;

	if (!check->metadata_keys)
		return check_api_no_job(text);
	if (!check->dates_filter)
		return errmsg_set(text, ANSWER_UNKNOWN, "unknown: dates select no jobs");
	json = filters_ask_form(check, filters_print_json);
	brackets = json < 0 ? json : filters_ask_form(check, filters_print_brackets);
	if (brackets < 0)
		return check_api_no_answer(brackets, 0, text);
	if (check->metadata_keys > 1 && json == EFFECT_FILTERS)
		detail = " by some of the keys";
	if (check->metadata_keys > 1 && json == EFFECT_NOTHING &&
		filters_matches_whole(check)) {
		json = EFFECT_FILTERS;
		detail = " by all keys together only";
	}
	return errmsg_set(text, ANSWER_TESTED,
		"as JSON it %s%s; in brackets it %s; gladiafs does not use it",
		words[json], detail, words[brackets]);
}
