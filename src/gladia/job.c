/* SPDX-License-Identifier: MIT */
#include "gladia/job.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "gladia/job_internal.h"
#include "gladia/timestamp.h"
#include "json/string.h"

/*
 * Parses the head of a job. Only its top-level members are decoded: its metadata may
 * contain strings that are not valid text (a lone surrogate).
 */

/* Longer than any valid timestamp or status. */
enum { WORD_MAX = 64 };

enum member {
	MEMBER_ID,
	MEMBER_STATUS,
	MEMBER_CREATED,
	MEMBER_COMPLETED,
	MEMBER_METADATA,
	MEMBERS,
};

static const char *const member_names[MEMBERS] = {
	[MEMBER_ID] = "id",
	[MEMBER_STATUS] = "status",
	[MEMBER_CREATED] = "created_at",
	[MEMBER_COMPLETED] = "completed_at",
	[MEMBER_METADATA] = "custom_metadata",
};

static const char *const status_names[] = {
	[JOB_QUEUED] = "queued",
	[JOB_PROCESSING] = "processing",
	[JOB_DONE] = "done",
	[JOB_ERROR] = "error",
	[JOB_OTHER] = "other",
};

const char *job_status_name(enum job_status status)
{
	return status_names[status];
}

enum job_status job_status_parse(const char *word, size_t len)
{
	for (unsigned i = 0; i < JOB_STATUSES; i++)
		if (strlen(status_names[i]) == len &&
			memcmp(status_names[i], word, len) == 0)
			return (enum job_status)i;
	return JOB_OTHER;
}

bool job_finished(const struct job *job)
{
	return job->status == JOB_DONE || job->status == JOB_ERROR;
}

int64_t job_mtime_ms(const struct job *job)
{
	if (job->completed_ms != JOB_NO_TIME)
		return job->completed_ms;
	return job->created_ms != JOB_NO_TIME ? job->created_ms : 0;
}

/* Decodes without allocating memory: a failed malloc() would look like an invalid id. */
int job_string_decode(struct json_slice value, size_t room, char *text)
{
	if (!value.at || *value.at != '"')
		return -EBADMSG;
	if (!room)
		return -ENAMETOOLONG;

	const char *end = value.end - 1;

	for (const char *in = value.at + 1; in < end;) {
		char part[JSON_TEXT_MAX];
		size_t len;

		in = json_decode_text(in, end, part, &len);
		if (!in)
			return -EINVAL;
		if (len >= room)
			return -ENAMETOOLONG;
		memcpy(text, part, len);
		text += len;
		room -= len;
	}
	*text = '\0';
	return 0;
}

static int64_t job_time_decode(struct json_slice value)
{
	char text[WORD_MAX];
	int64_t ms;

	if (job_string_decode(value, sizeof(text), text) || timestamp_parse(text, &ms))
		return JOB_NO_TIME;
	return ms;
}

static enum job_status job_status_decode(struct json_slice value)
{
	char text[WORD_MAX];

	if (job_string_decode(value, sizeof(text), text))
		return JOB_OTHER;
	return job_status_parse(text, strlen(text));
}

int job_parse_head(const char *head, size_t len, struct job *ret_job,
	struct json_slice *ret_metadata)
{
	struct json_slice values[MEMBERS];
	struct job job;
	char name[FILENAME_BYTES_MAX + 1];
	int err = json_members(
		(struct json_slice){head, head + len}, member_names, MEMBERS, values);

	if (!err)
		err = job_string_decode(values[MEMBER_ID], sizeof(job.id), job.id);
	/* The longest file name of a job has this suffix. */
	if (!err)
		err = filename_escape(job.id, FILENAME_WORD, ".json", name);
	if (err)
		return err;
	job.status = job_status_decode(values[MEMBER_STATUS]);
	job.created_ms = job_time_decode(values[MEMBER_CREATED]);
	job.completed_ms = job_time_decode(values[MEMBER_COMPLETED]);
	*ret_job = job;
	*ret_metadata = values[MEMBER_METADATA];
	return 0;
}

const char *job_find_bad_time(const char *head, size_t len)
{
	static const enum member times[] = {MEMBER_CREATED, MEMBER_COMPLETED};
	struct json_slice values[MEMBERS];

	if (json_members(
		    (struct json_slice){head, head + len}, member_names, MEMBERS, values))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		struct json_slice value = values[times[i]];

		if (value.at && *value.at != 'n' && job_time_decode(value) == JOB_NO_TIME)
			return member_names[times[i]];
	}
	return NULL;
}
