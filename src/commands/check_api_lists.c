/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "check_api_internal.h"
#include "http/url.h"

/* The questions about lists and their responses. */

enum {
	SENTENCE_MAX = 1024,
	PARAMETERS_MAX = 64,
	LARGE_LIMIT = 100,
	HUGE_LIMIT = 1000,
};

/*
 * Appends the names of the members of `job` that `other` does not have with the same
 * value. The names are those of the API's schema, not the user's.
 */
static void lists_compare(
	const struct buf *job, const struct buf *other, struct buf *names)
{
	struct json_slice whole = {job->data, job->data + job->len};
	struct json_slice rest = {other->data, other->data + other->len};
	struct json_slice name;
	struct json_slice value;
	struct json_cursor cursor;
	char text[CHECK_API_ID_MAX];

	if (json_cursor_enter(whole, '{', &cursor))
		return;
	while (!json_cursor_next(&cursor, &name, &value)) {
		if (!check_api_copy_id(name, text))
			continue;

		struct json_slice twin = json_member(rest, text);

		if (json_length(twin) == json_length(value) &&
			!memcmp(twin.at, value.at, json_length(value)))
			continue;
		(void)buf_printf(names, "%s%s", names->len ? ", " : " in ", text);
	}
}

static struct json_slice lists_transcription(const struct buf *text)
{
	struct json_slice job = {text->data, text->data + text->len};

	return json_member(json_member(job, "result"), "transcription");
}

/* Finds out whether the items of a list are whole. */
int check_api_items(struct check_api *check, struct buf *text)
{
	CLEANUP(buf_done) struct buf job;
	CLEANUP(buf_done) struct buf names;
	int err;

	buf_init(&job, 2 * (size_t)PROBE_PAGE_MAX);
	buf_init(&names, SENTENCE_MAX / 2);
	if (!check->done.len)
		return check_api_no_job(text);
	err = api_probe_get(check->probe, check->done_id, &job);
	if (err)
		return check_api_no_answer(err, 0, text);
	if (!lists_transcription(&job).at)
		return errmsg_set(
			text, ANSWER_UNTESTED, "a done job has no result.transcription");
	if (!lists_transcription(&check->done).at)
		return errmsg_set(text, ANSWER_TESTED,
			"are summaries, without result.transcription");
	if (job.len == check->done.len && !memcmp(job.data, check->done.data, job.len))
		return errmsg_set(
			text, ANSWER_TESTED, "are whole, the same as the job by itself");
	lists_compare(&job, &check->done, &names);
	if (!names.len)
		lists_compare(&check->done, &job, &names);
	return errmsg_set(text, ANSWER_UNTESTED, "differ from the job by itself%s",
		names.len ? names.data : "");
}

/*
 * Describes what a list with a limit gave. Returns an enum answer; ANSWER_UNKNOWN if the
 * account ended before the limit, or the API could not answer.
 */
static int lists_limit(struct check_api *check, unsigned limit, struct buf *sentence)
{
	char parameters[PARAMETERS_MAX];
	struct probe_page page;
	int err;

	(void)snprintf(parameters, sizeof(parameters), "limit=%u", limit);
	err = check_api_list_first(check, parameters, &page);
	if (err) {
		(void)buf_printf(sentence, "; no usable response to limit=%u", limit);
		return ANSWER_UNKNOWN;
	}
	if (page.status == 429 || page.status >= 500) {
		(void)buf_printf(
			sentence, "; limit=%u is answered with %ld", limit, page.status);
		return ANSWER_UNKNOWN;
	}
	if (page.status != 200) {
		(void)buf_printf(
			sentence, "; limit=%u is refused (%ld)", limit, page.status);
		return page.status == 400 || page.status == 422 ? ANSWER_TESTED
								: ANSWER_UNTESTED;
	}
	check->limit = limit;
	if (page.cut)
		(void)buf_printf(sentence, "; limit=%u gives more than %u, over %d MiB",
			limit, page.items, PROBE_PAGE_MAX >> 20);
	else if (page.items >= limit)
		(void)buf_printf(sentence, "; limit=%u gives %u", limit, page.items);
	else if (page.next == PROBE_NEXT_SET)
		(void)buf_printf(sentence, "; limit=%u gives only %u", limit, page.items);
	else
		(void)buf_printf(sentence, "; limit=%u gives %u, which are all", limit,
			page.items);
	if (page.items < limit && page.next != PROBE_NEXT_SET)
		return ANSWER_UNKNOWN;
	return page.items <= limit ? ANSWER_TESTED : ANSWER_UNTESTED;
}

/* Finds out which limits are granted. */
int check_api_limits(struct check_api *check, struct buf *text)
{
	CLEANUP(buf_done) struct buf sentence;
	int answer;

	buf_init(&sentence, SENTENCE_MAX);
	if (check->default_limit)
		(void)buf_printf(&sentence, "without a limit %s%u jobs",
			check->first.cut ? "more than " : "", check->first.items);
	else
		(void)buf_printf(&sentence, "without a limit it is refused");
	if (check->first.next == PROBE_NEXT_NULL)
		return errmsg_set(text, ANSWER_UNKNOWN,
			"unknown: %s, which are all of the account",
			sentence.len ? sentence.data : "");
	answer = lists_limit(check, LARGE_LIMIT, &sentence);
	/* A page with more jobs is asked for only if this one was full. */
	if (answer == ANSWER_TESTED && check->limit == LARGE_LIMIT &&
		check->jobs_len == LARGE_LIMIT) {
		int huge = lists_limit(check, HUGE_LIMIT, &sentence);

		answer = huge == ANSWER_UNKNOWN ? answer : huge;
		check->limit = LARGE_LIMIT;
	}
	return errmsg_set(text, answer, "%s", sentence.len ? sentence.data : "");
}

/* Finds out in which order jobs are listed. */
int check_api_order(struct check_api *check, struct buf *text)
{
	bool falls = false;
	bool rises = false;

	for (unsigned i = 1; i < check->jobs_len; i++) {
		falls |= check->jobs[i].created_ms < check->jobs[i - 1].created_ms;
		rises |= check->jobs[i].created_ms > check->jobs[i - 1].created_ms;
	}
	if (!falls && !rises)
		return check_api_no_job(text);
	return errmsg_set(text, ANSWER_TESTED, "%s, as %u jobs show",
		!rises   ? "newest first"
		: !falls ? "oldest first"
			 : "neither newest nor oldest first",
		check->jobs_len);
}

/*
 * Lists the jobs around the first one. Returns an enum answer: ANSWER_TESTED with their
 * number if there is a page that ends there.
 */
static int lists_small_list(
	struct check_api *check, unsigned *ret_items, struct buf *text)
{
	struct probe_page page;
	bool found;
	int err;

	if (check->small_list) {
		*ret_items = check->small_list;
		return ANSWER_TESTED;
	}
	if (!check->jobs_len)
		return check_api_no_job(text);
	if (!check->dates_filter)
		return errmsg_set(text, ANSWER_UNKNOWN,
			"unknown: dates do not make a list short enough");
	err = check_api_list_around(check, &check->jobs[0], "", &found, &page);
	if (err || page.status != 200)
		return check_api_no_answer(err, page.status, text);
	if (!page.items || page.next == PROBE_NEXT_SET)
		return errmsg_set(text, ANSWER_UNKNOWN,
			"unknown: pages are filtered after they were cut");
	*ret_items = check->small_list = page.items;
	return ANSWER_TESTED;
}

/* Finds out whether `next` is null on a last page that is full. */
int check_api_last_page(struct check_api *check, struct buf *text)
{
	static const char *const words[] = {
		[PROBE_NEXT_NULL] = "if it is full, its next is null",
		[PROBE_NEXT_SET] = "if it is full, its next leads to an empty page",
		[PROBE_NEXT_MISSING] = "it has no member next",
	};
	struct probe_page page;
	unsigned items;
	bool found;
	int answer = lists_small_list(check, &items, text);
	unsigned limit = check->limit;
	int err;

	if (answer != ANSWER_TESTED)
		return answer;
	check->limit = items;
	err = check_api_list_around(check, &check->jobs[0], "", &found, &page);
	check->limit = limit;
	if (err || page.status != 200)
		return check_api_no_answer(err, page.status, text);
	if (page.items != items)
		return errmsg_set(
			text, ANSWER_UNKNOWN, "unknown: the list changed meanwhile");
	return errmsg_set(text, ANSWER_TESTED, "%s", words[page.next]);
}

/* Finds out how an offset past the end is answered. */
int check_api_past_end(struct check_api *check, struct buf *text)
{
	char parameters[PARAMETERS_MAX];
	struct probe_page page;
	unsigned items;
	bool found;
	int answer = lists_small_list(check, &items, text);
	int err;

	if (answer != ANSWER_TESTED)
		return answer;
	(void)snprintf(parameters, sizeof(parameters), "&offset=%u", items);
	err = check_api_list_around(check, &check->jobs[0], parameters, &found, &page);
	if (err)
		return check_api_no_answer(err, 0, text);
	if (page.status != 200)
		return errmsg_set(text,
			page.status == 404 ? ANSWER_TESTED : ANSWER_UNTESTED,
			"an offset past the end is answered with %ld", page.status);
	if (page.items)
		return errmsg_set(
			text, ANSWER_UNTESTED, "an offset past the end gives jobs");
	return errmsg_set(text, ANSWER_TESTED,
		"an offset past the end gives an empty page%s",
		page.next == PROBE_NEXT_SET ? " with a next" : "");
}

/*
 * Returns words for the place to which `next`, a whole URL, points. Returns NULL if it is
 * no URL, or if memory runs out, and stores -EINVAL or -ENOMEM.
 */
static const char *lists_place(
	const struct check_api *check, const char *next, int *ret_error)
{
	struct http_url url;
	const char *reason;

	if (*next == '?')
		return "is only a query";
	if (*next == '/')
		return "is a path without a host";
	*ret_error = http_url_parse(next, &url, &reason);
	if (*ret_error)
		return NULL;

	bool here = strcmp(url.origin, check->origin) == 0;

	free(url.origin);

	/* libcurl accepts "http:/HOST", too. */
	const char *host = strstr(next, "//");
	const char *path = host ? strchr(host + 2, '/') : NULL;
	size_t len = strlen(check->list_path);
	bool list = path && !strncmp(path, check->list_path, len) && path[len] == '?';

	if (here)
		return list ? "is the same path of this server"
			    : "is another path of this server";
	return list ? "is the same path of another server"
		    : "is another path of another server";
}

/* Finds out where `next` points. */
int check_api_next(struct check_api *check, struct buf *text)
{
	struct probe_page page = check->first;
	const char *place;
	int err = 0;

	if ((page.next == PROBE_NEXT_NULL && page.items > 1) || page.cut)
		err = api_probe_list(check->probe, "limit=1", NULL, NULL, &page);
	if (err || page.status != 200)
		return check_api_no_answer(err, page.status, text);
	if (page.next == PROBE_NEXT_MISSING)
		return errmsg_set(text, ANSWER_TESTED, "is missing in a page");
	if (page.next == PROBE_NEXT_NULL)
		return check_api_no_job(text);
	place = lists_place(check, page.next_url, &err);
	if (err == -ENOMEM)
		return check_api_no_answer(err, 0, text);
	if (!place)
		return errmsg_set(text, ANSWER_UNTESTED, "is no URL");
	return errmsg_set(text, ANSWER_TESTED, "%s, %s", place,
		!strstr(page.next_url, "offset=")  ? "without an offset"
		: !strstr(page.next_url, "limit=") ? "with an offset, without a limit"
						   : "with an offset and a limit");
}

int check_api_compression(struct check_api *check, struct buf *text)
{
	const char *encoding = api_probe_facts(check->probe)->encoding;

	if (!*encoding)
		return errmsg_set(text, ANSWER_TESTED, "none");
	if (strcasecmp(encoding, "gzip") == 0)
		return errmsg_set(text, ANSWER_TESTED, "gzip");
	return errmsg_set(text, ANSWER_UNTESTED, "%.16s", encoding);
}

int check_api_version(struct check_api *check, struct buf *text)
{
	const char *version = api_probe_facts(check->probe)->version;
	bool tested = !strcmp(version, "HTTP/1.1") || !strcmp(version, "HTTP/2");

	return errmsg_set(text, tested ? ANSWER_TESTED : ANSWER_UNTESTED, "%s",
		*version ? version : "of an unknown version");
}

int check_api_retry_after(struct check_api *check, struct buf *text)
{
	const struct probe_facts *facts = api_probe_facts(check->probe);
	const char *value = facts->retry_after;

	if (!facts->slowed)
		return errmsg_set(text, ANSWER_UNKNOWN,
			"unknown: none of %u requests was answered with 429 or 503",
			facts->requests);
	if (!*value)
		return errmsg_set(
			text, ANSWER_TESTED, "is absent in a %ld", facts->slowed);
	if (!value[strspn(value, "0123456789")])
		return errmsg_set(
			text, ANSWER_TESTED, "has seconds in a %ld", facts->slowed);
	return errmsg_set(text, strstr(value, " GMT") ? ANSWER_TESTED : ANSWER_UNTESTED,
		"has %s in a %ld", strstr(value, " GMT") ? "a date" : "another form",
		facts->slowed);
}
