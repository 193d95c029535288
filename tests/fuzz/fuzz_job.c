/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/csv.h"
#include "fuzz.h"
#include "gladia/api_internal.h"
#include "gladia/timestamp.h"

/*
 * The input is the body of an API response that should be one job. Its head is parsed
 * (gladia/job), its metadata is flattened, its text is walked through,
 * gladia/api_response reads it as the answer to the request of one job, and that is
 * printed as CSV.
 */

/* A cursor in unchecked text never leaves the text (json/cursor.h). */
static void visit_unchecked(struct json_slice text, unsigned depth)
{
	static const char opens[] = {'{', '['};
	struct json_slice key = {0};
	struct json_slice value;
	struct json_cursor cursor;

	for (size_t i = 0; depth && i < sizeof(opens); i++) {
		if (json_cursor_enter(text, opens[i], &cursor))
			continue;
		while (!json_cursor_next(&cursor, &key, &value)) {
			HOLDS(value.at >= text.at && value.end <= text.end);
			HOLDS(value.at < value.end);
			(void)json_string_body(key);
			(void)json_member(value, "id");
			visit_unchecked(value, depth - 1);
		}
	}
}

static void check_times(const struct job *job)
{
	char text[TIMESTAMP_TEXT];
	int64_t ms;

	(void)job_finished(job);
	(void)job_status_name(job->status);
	if (job->created_ms == JOB_NO_TIME)
		return;
	timestamp_print(job->created_ms, text);
	HOLDS(!timestamp_parse(text, &ms) && ms == job->created_ms);
}

static void read_head(const char *text, size_t size)
{
	CLEANUP(buf_done) struct buf pairs;
	struct json_slice metadata;
	struct job job;

	buf_init(&pairs, METADATA_TEXT_MAX);
	if (job_parse_head(text, size, &job, &metadata))
		return;
	HOLDS(*job.id);
	check_times(&job);
	HOLDS(!metadata_flatten(metadata, &pairs));
}

/* Returns the number of cells in a line of CSV, which must end with CRLF. */
static unsigned count_cells(const char *line, size_t len)
{
	unsigned cells = 1;
	bool quoted = false;

	HOLDS(len >= 2 && memcmp(line + len - 2, "\r\n", 2) == 0);
	for (size_t i = 0; i < len - 2; i++) {
		HOLDS((unsigned char)line[i] >= ' ' || strchr("\t\r\n", line[i]));
		HOLDS(line[i]);
		if (line[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			HOLDS(line[i] != '\r' && line[i] != '\n');
		cells += line[i] == ',' && !quoted;
	}
	HOLDS(!quoted);
	return cells;
}

/* The job is a row of jobs.csv (fs/csv.h) that has a cell for each column. */
static void print_row(const struct api_item *item)
{
	CLEANUP(buf_done) struct buf header;
	CLEANUP(buf_done) struct buf row;
	struct csv *csv = csv_new();

	buf_init(&header, CSV_TEXT_MAX);
	buf_init(&row, CSV_TEXT_MAX);
	HOLDS(csv);
	HOLDS(!csv_add_job(
		csv, &item->job, item->facts, item->metadata, item->metadata_len));
	csv_sort(csv);
	HOLDS(!csv_print_header(csv, &header));
	HOLDS(!csv_print_row(csv, 0, &row));
	HOLDS(count_cells(header.data, header.len) == count_cells(row.data, row.len));
	csv_free(csv);
}

static int on_item(void *ctx, const struct api_item *item)
{
	unsigned *reported = ctx;
	struct job_facts facts;

	HOLDS(item && !item->summary && item->size);
	HOLDS(job_facts_load(item->facts->text, item->facts->len, &facts));
	print_row(item);
	++*reported;
	return 0;
}

static void read_answer(const char *text, size_t size, const char *id)
{
	static const struct log log; /* logs to stderr, without debug messages */
	struct api_scratch scratch = {0};
	struct api_page page;
	unsigned reported = 0;
	struct api_reader reader = {.scratch = &scratch,
		.log = &log,
		.description = "getting a job",
		.id = id,
		.on_item = on_item,
		.ctx = &reported};

	buf_init(&scratch.text, API_ITEM_MAX);
	buf_init(&scratch.head, API_ITEM_MAX);
	buf_init(&scratch.metadata, METADATA_TEXT_MAX);
	HOLDS(!api_reader_init(&reader));
	HOLDS(!api_reader_feed(&reader, text, size));

	int err = api_reader_finish(&reader, &page);

	HOLDS(!err == (reported == 1));
	HOLDS(!err || (*reader.failure.reason && reader.failure.error == err));
	api_reader_done(&reader);
	buf_done(&scratch.text);
	buf_done(&scratch.head);
	buf_done(&scratch.metadata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { DEPTH = 8 };
	CLEANUP_FREE char *text = size <= FUZZ_INPUT_MAX ? malloc(size + !size) : NULL;
	struct json_error error;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	visit_unchecked((struct json_slice){text, text + size}, DEPTH);
	if (!json_check(text, size, &error))
		read_head(text, size);
	read_answer(text, size, "45463597-20b7-4af7-b3b3-f5fb778203ab");
	return 0;
}
