/* SPDX-License-Identifier: MIT */
#include "commands/check_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "check_api_internal.h"
#include "check_mount.h"
#include "config/api_key.h"
#include "gladia/api.h"
#include "gladia/timestamp.h"
#include "process/exit_code.h"

enum {
	LINE_MAX_BYTES = 1024,
	DEFAULT_LIMIT = 20,
	SMALL_LIMIT = 10,
};

int check_api_no_job(struct buf *text)
{
	return errmsg_set(text, ANSWER_UNKNOWN, "unknown: no such job in this account");
}

int check_api_no_answer(int error, long status, struct buf *text)
{
	if (error == -EDQUOT)
		return errmsg_set(text, ANSWER_UNKNOWN,
			"unknown: all %d requests were used up", PROBE_REQUESTS_MAX);
	if (error)
		return errmsg_set(text, ANSWER_UNKNOWN, "unknown: %s",
			error == -ENOMEM ? "out of memory" : "no usable response");
	return errmsg_set(text, ANSWER_UNKNOWN, "unknown: the API answered %ld", status);
}

bool check_api_copy_id(struct json_slice value, char id[static CHECK_API_ID_MAX])
{
	struct json_slice body = json_string_body(value);
	size_t len = json_length(body);

	if (!len || len >= CHECK_API_ID_MAX ||
		strspn(body.at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
				"TUVWXYZ-_") < len)
		return false;
	memcpy(id, body.at, len);
	id[len] = '\0';
	return true;
}

/* Keeps the custom_metadata of a job if it has more keys than what was kept before. */
static void check_api_note_metadata(struct check_api *check,
	const struct check_api_job *job, struct json_slice metadata)
{
	struct json_cursor cursor;
	struct json_slice key;
	struct json_slice value;
	struct json_slice found_key = {0};
	struct json_slice found_value = {0};
	unsigned keys = 0;

	if (json_cursor_enter(metadata, '{', &cursor))
		return;
	while (!json_cursor_next(&cursor, &key, &value)) {
		bool plain = json_length(json_string_body(value)) &&
			     json_length(key) < CHECK_API_WORD_MAX &&
			     json_length(value) < CHECK_API_WORD_MAX &&
			     !memchr(key.at, '\\', json_length(key)) &&
			     !memchr(value.at, '\\', json_length(value));

		keys++;
		if (plain && !found_key.at) {
			found_key = key;
			found_value = value;
		}
	}
	if (!found_key.at || keys <= check->metadata_keys)
		return;
	buf_reset(&check->metadata);
	if (buf_append(&check->metadata, metadata.at, json_length(metadata)))
		return;
	check->metadata_keys = keys;
	check->described = *job;
	(void)snprintf(check->key, sizeof(check->key), "%.*s",
		(int)json_length(found_key), found_key.at);
	(void)snprintf(check->value, sizeof(check->value), "%.*s",
		(int)json_length(found_value), found_value.at);
}

/* Examines a job of a page. */
static void check_api_note(void *ctx, const char *text, size_t len)
{
	enum { ID, STATUS, CREATED, METADATA, MEMBERS };
	static const char *const members[MEMBERS] = {
		"id", "status", "created_at", "custom_metadata"};
	struct check_api *check = ctx;
	struct json_slice values[MEMBERS];
	struct json_slice created;
	struct check_api_job job;
	char time[TIMESTAMP_TEXT + 8] = "";

	if (json_members(
		    (struct json_slice){text, text + len}, members, MEMBERS, values) ||
		!check_api_copy_id(values[ID], job.id))
		return;
	if (!check->done.len && json_is(values[STATUS], "\"done\"") &&
		!buf_append(&check->done, text, len))
		memcpy(check->done_id, job.id, sizeof(job.id));
	created = json_string_body(values[CREATED]);
	if (json_length(created) < sizeof(time) && created.at)
		memcpy(time, created.at, json_length(created));
	if (timestamp_parse(time, &job.created_ms))
		return;
	if (check->next_page)
		check->jobs_len = 0;
	check->next_page = false;
	if (check->jobs_len < CHECK_API_JOBS_MAX)
		check->jobs[check->jobs_len++] = job;
	check_api_note_metadata(check, &job, values[METADATA]);
}

int check_api_list_first(
	struct check_api *check, const char *parameters, struct probe_page *ret_page)
{
	check->next_page = true;
	return api_probe_list(check->probe, parameters, check_api_note, check, ret_page);
}

/* The questions, in the order in which they are asked and printed. */
static const struct {
	const char *name;
	int (*ask)(struct check_api *check, struct buf *text);
} questions[] = {
	{"items", check_api_items},
	{"limit", check_api_limits},
	{"order", check_api_order},
	{"date range", check_api_range},
	{"day", check_api_day},
	{"last page", check_api_last_page},
	{"past the end", check_api_past_end},
	{"metadata", check_api_metadata},
	{"next", check_api_next},
	{"compression", check_api_compression},
	{"HTTP", check_api_version},
	{"Retry-After", check_api_retry_after},
};

/* Lists the first jobs, with the largest limit that is granted. Returns an exit code. */
static int check_api_begin(struct check_api *check, struct buf *errmsg)
{
	static const unsigned limits[] = {0, SMALL_LIMIT, 1};
	char parameters[32] = "";
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (limits[i])
			(void)snprintf(
				parameters, sizeof(parameters), "limit=%u", limits[i]);
		err = check_api_list_first(check, parameters, &check->first);
		check->limit = limits[i] ? limits[i] : DEFAULT_LIMIT;
		check->default_limit = limits[i] ? 0 : check->limit;
		if (err || (check->first.status != 400 && check->first.status != 422))
			break;
	}
	if (err)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"%s cannot be asked (%s): gladiafs --check says more",
			check->origin,
			err == -EHOSTUNREACH ? api_probe_detail(check->probe)
			: err == -ETIMEDOUT  ? "no complete response in time"
					     : "no usable response");
	if (check->first.status == 401 || check->first.status == 403)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"the API does not accept the key (%ld): gladiafs --check says "
			"more",
			check->first.status);
	if (check->first.status != 200)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"the API answered %ld to a list of jobs: try again later",
			check->first.status);
	return EXIT_CODE_OK;
}

static void check_api_print(int answer, const char *name, const struct buf *text)
{
	static const char *const words[] = {
		[ANSWER_TESTED] = "tested",
		[ANSWER_UNTESTED] = "UNTESTED",
		[ANSWER_UNKNOWN] = "?",
	};

	printf("%-9s %-13s %s\n", words[answer], name, text->data);
}

/* Asks all questions. Returns an exit code. */
static int check_api_ask(struct check_api *check, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf text;
	bool untested = false;
	int code = check_api_begin(check, errmsg);

	if (code)
		return code;
	buf_init(&text, LINE_MAX_BYTES);
	/* Then no answer is lost because there is no memory for its text. */
	if (buf_reserve(&text, LINE_MAX_BYTES))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "out of memory");
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		int answer = questions[i].ask(check, &text);

		untested |= answer == ANSWER_UNTESTED;
		check_api_print(answer, questions[i].name, &text);
	}
	printf("gladiafs " GLADIAFS_VERSION ", %u requests%s\n",
		api_probe_facts(check->probe)->requests,
		untested ? "; please report what is UNTESTED" : "");
	return EXIT_CODE_OK;
}

static void check_api_done(struct check_api *check)
{
	api_probe_free(check->probe);
	buf_done(&check->done);
	buf_done(&check->metadata);
}

int check_api_run(struct options *options, struct buf *errmsg)
{
	CLEANUP(key_source_done) struct key_source source = {0};
	CLEANUP(check_api_done) struct check_api check = {0};
	char *key;
	int err;

	if (options->mountpoint && !check_mount(options, errmsg))
		return EXIT_CODE_MOUNT;
	buf_reset(errmsg);
	if (api_key_find(options->key_file, &key, &source, errmsg))
		return EXIT_CODE_MOUNT;
	buf_init(&check.done, 2 * (size_t)PROBE_PAGE_MAX);
	buf_init(&check.metadata, LINE_MAX_BYTES);
	check.origin = options->origin;
	check.list_path = api_list_path(options->live);
	err = api_probe_new(options, key, &check.probe);
	api_key_free(key);
	if (err)
		return errmsg_set(errmsg,
			err == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_MOUNT,
			"cannot send requests to the API: %s", strerror(-err));
	return check_api_ask(&check, errmsg);
}
