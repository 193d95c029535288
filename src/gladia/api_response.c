/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gladia/api_internal.h"
#include "gladia/job_internal.h"
#include "json/cursor.h"
#include "json/pretty_print.h"

/* Reads the bodies of answers: pages and single jobs. */

enum {
	/* Buffers larger than this are freed after the job that needed them. */
	SCRATCH_KEPT_MAX = 2 << 20,
	/*
	 * Rejected jobs of a page that are logged one by one. The others are counted in
	 * one message.
	 */
	REJECTED_LOGGED = 4,
};

/* Bytes of a page: room for 64 jobs of the maximum size. */
#define PAGE_BYTES_MAX (UINT64_C(4) << 30)

static const char advice_report[] = "the API may have changed: please report it";
static const char advice_memory[] = "there is not enough memory";
static const char advice_disk[] = "check the cache's disk";

static const char *reader_what(const struct api_reader *reader)
{
	return reader->id ? "job" : "page";
}

/*
 * Fails with invalid JSON. A proxy may have sent it, or the answer was cut short: retry a
 * few times.
 */
static int reader_fail_syntax(
	struct api_reader *reader, uint64_t offset, const char *reason)
{
	api_fail(&reader->failure, -EIO, api_advice_other,
		"the response is not valid JSON: %s at byte %" PRIu64, reason, offset);
	reader->failure.again = true;
	reader->failure.bad_body = true;
	return -EIO;
}

/* Fails for good: the JSON is valid, but not what the API documents. */
static int reader_fail_semantics(
	struct api_reader *reader, uint64_t offset, const char *reason)
{
	return api_fail(&reader->failure, -EIO, advice_report,
		"the response is not a valid %s: %s at byte %" PRIu64,
		reader_what(reader), reason, offset);
}

static int reader_fail_memory(struct api_reader *reader)
{
	return api_fail(&reader->failure, -ENOMEM, advice_memory, "out of memory");
}

static void reader_scratch_trim(struct buf *buf)
{
	if (buf->cap > SCRATCH_KEPT_MAX)
		buf_done(buf);
}

/*
 * Warns once if a job's timestamp cannot be parsed. Such a job is shown as if it had
 * none; if the API changed its format, that would be every job.
 */
static void reader_log_bad_time(
	struct api_reader *reader, const char *head, size_t len, const struct job *job)
{
	bool absent = job->created_ms == JOB_NO_TIME || job->completed_ms == JOB_NO_TIME;
	char name[FILENAME_BYTES_MAX + 1];
	const char *bad;

	if (!absent || reader->scratch->bad_time_logged ||
		filename_escape(job->id, FILENAME_WORD, ".json", name))
		return;
	bad = job_find_bad_time(head, len);
	if (!bad)
		return;
	reader->scratch->bad_time_logged = true;
	log_warning(reader->log,
		"%s: the %s of %s cannot be read as a time, so it counts as missing (a "
		"job without created_at is in no directory of dates); %s; other such "
		"jobs are not logged",
		reader->description, bad, name, advice_report);
}

static int reader_parse_head(
	struct api_reader *reader, const char *head, size_t len, struct job *ret_job)
{
	struct json_slice metadata;
	int err = job_parse_head(head, len, ret_job, &metadata);

	if (!err)
		reader_log_bad_time(reader, head, len, ret_job);
	return err ? err : metadata_flatten(metadata, &reader->scratch->metadata);
}

/* Parses a job without its result, which can be megabytes. */
static int reader_read_head(struct api_reader *reader, const char *raw, size_t len,
	struct json_slice result, struct job *ret_job)
{
	struct buf *head = &reader->scratch->head;
	int err;

	if (!result.at)
		return reader_parse_head(reader, raw, len, ret_job);
	buf_reset(head);
	err = buf_append(head, raw, (size_t)(result.at - raw));
	if (!err)
		err = buf_append_str(head, "null");
	if (!err)
		err = buf_append(head, result.end, (size_t)(raw + len - result.end));
	return err ? -ENOMEM : reader_parse_head(reader, head->data, head->len, ret_job);
}

/*
 * Checks, prints and parses a job that begins at byte `offset` of the body.
 *
 * Returns 0, -EINVAL or -ENAMETOOLONG if its id cannot be a file name, or another
 * negative errno with `failure` set.
 */
static int reader_read_job(struct api_reader *reader, const char *raw, size_t len,
	uint64_t offset, struct api_item *ret_item)
{
	struct buf *text = &reader->scratch->text;
	struct job_finder *finder = &reader->scratch->finder;
	struct json_error error;
	int err;

	buf_reset(text);
	job_finder_init(finder);
	err = json_print(raw, len, text, &finder->find, &error);
	if (err == -EBADMSG)
		return reader_fail_syntax(reader, offset + error.offset, error.reason);
	if (err == -EMSGSIZE)
		return reader_fail_semantics(reader, offset, "a job is too large");
	if (!err)
		err = reader_read_head(
			reader, raw, len, finder->values[MEMBER_RESULT], &ret_item->job);
	if (err == -EBADMSG)
		return reader_fail_semantics(
			reader, offset, "no object with a string \"id\"");
	if (err == -ENOMEM)
		return reader_fail_memory(reader);
	if (err)
		return err;
	ret_item->asked_ms = reader->asked_ms;
	ret_item->text = text->data;
	ret_item->size = text->len;
	ret_item->metadata = reader->scratch->metadata.data;
	ret_item->metadata_len = reader->scratch->metadata.len;
	job_finder_facts(finder, text->data, text->len, &reader->scratch->facts);
	ret_item->facts = &reader->scratch->facts;
	ret_item->summary = !reader->id && ret_item->job.status == JOB_DONE &&
			    !job_finder_has_transcription(finder);
	return 0;
}

static int reader_report(struct api_reader *reader, const struct api_item *item)
{
	int err = reader->on_item ? reader->on_item(reader->ctx, item) : 0;

	return err ? api_fail(&reader->failure, err, advice_disk,
			     "cannot store the response: %s", strerror(-err))
		   : 0;
}

static int reader_reject(struct api_reader *reader, uint64_t offset, int error)
{
	if (++reader->rejected <= REJECTED_LOGGED)
		log_warning(reader->log,
			"%s: the job at byte %" PRIu64 " of the page is left out: %s",
			reader->description, offset,
			error == -ENAMETOOLONG
				? "its id is too long for a file name"
				: "its id is empty, or cannot be a file name");
	return reader_report(reader, NULL);
}

static int reader_on_item(void *ctx, const char *raw, size_t len, size_t offset)
{
	struct api_reader *reader = ctx;
	struct api_item item;
	int err;

	if (reader->items == API_PAGE_ITEMS_MAX)
		return reader_fail_semantics(reader, offset, "too many jobs in one page");
	err = reader_read_job(reader, raw, len, offset, &item);
	if (err == -EINVAL || err == -ENAMETOOLONG) {
		reader->items++;
		err = reader_reject(reader, offset, err);
	} else if (!err) {
		reader->items++;
		err = reader_report(reader, &item);
	}
	reader_scratch_trim(&reader->scratch->text);
	reader_scratch_trim(&reader->scratch->head);
	return err;
}

int api_reader_init(struct api_reader *reader)
{
	static const struct json_items_handlers handlers = {.on_item = reader_on_item};

	buf_init(&reader->job, API_ITEM_MAX);
	if (reader->id)
		return 0;
	return json_items_new(
		API_ITEM_MAX, API_FRAME_MAX, &handlers, reader, &reader->page);
}

void api_reader_done(struct api_reader *reader)
{
	json_items_free(reader->page);
	buf_done(&reader->job);
}

void api_reader_reset(struct api_reader *reader)
{
	if (reader->page)
		json_items_reset(reader->page);
	buf_reset(&reader->job);
	reader->items = 0;
	reader->rejected = 0;
	reader->bytes = 0;
	reader->failure = (struct api_failure){0};
}

/* Fails with the error that reader_on_item() has set, or else with that of json_items. */
static int reader_fail_page(struct api_reader *reader, int err)
{
	const struct json_error *error = json_items_error(reader->page);

	if (reader->failure.error)
		return reader->failure.error;
	if (err == -EBADMSG)
		return reader_fail_syntax(reader, error->offset, error->reason);
	if (err == -EMSGSIZE)
		return reader_fail_semantics(reader, error->offset, error->reason);
	return reader_fail_memory(reader);
}

int api_reader_feed(struct api_reader *reader, const char *data, size_t len)
{
	int err;

	reader->bytes += len;
	if (reader->id) {
		err = buf_append(&reader->job, data, len);
		if (err == -EMSGSIZE)
			return reader_fail_semantics(
				reader, reader->job.len, "a job is too large");
		return err ? reader_fail_memory(reader) : 0;
	}
	if (reader->bytes > PAGE_BYTES_MAX)
		return reader_fail_semantics(
			reader, reader->bytes, "the page is too large");
	err = json_items_feed(reader->page, data, len);
	return err ? reader_fail_page(reader, err) : 0;
}

/*
 * Gets the offset from a page's `next` URL. Returns false if it has none. Its host and
 * path are ignored, because we never request that URL (SEMANTICS 2.3).
 */
static bool reader_next_offset(const char *next, uint64_t *ret_offset)
{
	static const char name[] = "offset=";
	const char *part = next + strcspn(next, "?#");
	uint64_t offset = 0;

	if (*part != '?')
		return false;
	for (part++; strncmp(part, name, strlen(name)) != 0; part++) {
		part += strcspn(part, "&#");
		if (*part != '&')
			return false;
	}
	for (const char *c = part + strlen(name); *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(offset, 10, &offset) ||
			__builtin_add_overflow(offset, (uint64_t)(*c - '0'), &offset))
			offset = UINT64_MAX / 10;
	*ret_offset = offset;
	return true;
}

/*
 * Reads a `next` that is not null and checks that it advances. `ret_offset` is unchanged
 * if it has no offset.
 */
static int reader_read_next(
	struct api_reader *reader, struct json_slice next, uint64_t *ret_offset)
{
	struct buf *text = &reader->scratch->head;
	size_t len = json_length(next);

	buf_reset(text);
	if (buf_reserve(text, len))
		return reader_fail_memory(reader);
	if (job_string_decode(next, len, text->data))
		return api_fail(&reader->failure, -EIO, advice_report,
			"the page's \"next\" is neither null nor text");
	if (!reader_next_offset(text->data, ret_offset) || *ret_offset > reader->offset)
		return 0;
	return api_fail(&reader->failure, -EIO, advice_report,
		"the page's \"next\" does not advance: it says offset %" PRIu64,
		*ret_offset);
}

/*
 * Fails if the page has a `statusCode` other than 2xx. The server then reports an error
 * although the HTTP status is 200, so its `items` cannot be trusted. Retrying may help.
 */
static int reader_check_status(struct api_reader *reader, struct json_slice status)
{
	const char *number = status.at;

	if (number && *number == '"')
		number++;
	if (!number || *number == '2' || json_is(status, "null"))
		return 0;
	api_fail(&reader->failure, -EIO, api_advice_other,
		"the page is an error with HTTP status 200: \"statusCode\" %.*s",
		(int)strspn(number, "0123456789"), number);
	reader->failure.again = true;
	reader->failure.bad_body = true;
	return -EIO;
}

static int reader_finish_page(struct api_reader *reader, struct api_page *ret_page)
{
	enum { NEXT, STATUS, MEMBERS };
	static const char *const members[MEMBERS] = {"next", "statusCode"};
	struct json_slice values[MEMBERS];
	const char *frame;
	uint64_t next = 0;
	size_t len;
	int err = json_items_finish(reader->page, &frame, &len);

	if (err)
		return reader_fail_page(reader, err);
	json_members((struct json_slice){frame, frame + len}, members, MEMBERS, values);
	err = reader_check_status(reader, values[STATUS]);

	bool last = json_is(values[NEXT], "null");

	if (!err && values[NEXT].at && !last)
		err = reader_read_next(reader, values[NEXT], &next);
	if (err)
		return err;
	if (reader->rejected > REJECTED_LOGGED)
		log_warning(reader->log, "%s: %u more jobs of the page are left out",
			reader->description, reader->rejected - REJECTED_LOGGED);
	*ret_page = (struct api_page){
		.items = reader->items,
		.last = last,
		.next = next,
		.bytes = reader->bytes,
	};
	return 0;
}

static int reader_finish_job(struct api_reader *reader)
{
	struct api_item item;
	int err = reader_read_job(reader, reader->job.len ? reader->job.data : "",
		reader->job.len, 0, &item);

	if (err == -EINVAL || err == -ENAMETOOLONG ||
		(!err && strcmp(item.job.id, reader->id) != 0))
		err = api_fail(&reader->failure, -EIO, advice_report,
			"the response is another job");
	if (!err)
		err = reader_report(reader, &item);
	reader_scratch_trim(&reader->scratch->text);
	reader_scratch_trim(&reader->scratch->head);
	return err;
}

int api_reader_finish(struct api_reader *reader, struct api_page *ret_page)
{
	*ret_page = (struct api_page){0};
	return reader->id ? reader_finish_job(reader)
			  : reader_finish_page(reader, ret_page);
}
