/* SPDX-License-Identifier: MIT */
#include "jobs_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "csv.h"
#include "request.h"
#include "sync/listing.h"

/* Jobs that one step handles, in some milliseconds. */
enum { STEP = 500 };

/*
 * The states of making a file; jobs_csv_step() leads from one to the next:
 *
 *   reading    -> rows of the listing are added to the table
 *   printing   -> lines of the table are added to the text
 *   done       -> the text is complete, or `error` is set
 */
enum jobs_csv_state { JOBS_CSV_READING, JOBS_CSV_PRINTING, JOBS_CSV_DONE };

struct jobs_csv {
	struct fs *fs;
	struct query query;            /* of the directory */
	const struct listing *listing; /* NULL if the query matches no job */
	enum jobs_csv_state state;
	size_t at; /* next position of the listing, or next row of the table */
	struct csv *csv;
	struct buf metadata;
	struct buf text;
	int64_t newest_ms; /* newest change of a job, or the time of mounting */
	int error;
	struct loop_timer timer; /* runs the next step */
	struct wait_queue queue; /* of the request, woken when the state is done */
};

static const char file_name[] = "jobs.csv";

static const char late_message[] =
	"jobs.csv takes longer than timeout= allows, because every job of its directory "
	"is read: try again at once to continue from here, or list the directory first";

static const char large_message[] =
	"a jobs.csv would have more than 64 MiB, or more than 4096 keys of "
	"custom_metadata: use that of a directory with fewer jobs, such as a day";

_Static_assert(CSV_TEXT_MAX == 64 << 20 && CSV_KEYS_MAX == 4096, "as in the message");

bool jobs_csv_is_name(const struct dir *dir, const char *name)
{
	return strcmp(name, file_name) == 0 && tree_shows(&dir->tree) == TREE_SHOWS_JOBS;
}

/* Adds a row of the listing, unless the job has been deleted or changed. */
static int jobs_csv_add_row(struct jobs_csv *making, int64_t row)
{
	struct catalog *catalog = making->fs->catalog;
	struct catalog_job job;
	struct job_facts facts;
	bool matches = false;
	int err = jobs_by_row(catalog, row, &job);

	if (!err && !job.deleted)
		err = jobs_match(catalog, &making->query, &job, &matches);
	if (err || !matches)
		return err == -ENOENT ? 0 : err;
	err = jobs_facts(catalog, row, &facts);
	if (!err)
		err = jobs_metadata(catalog, row, &making->metadata);
	if (!err)
		err = csv_add_job(making->csv, &job.job, &facts, making->metadata.data,
			making->metadata.len);
	making->newest_ms = MAX(making->newest_ms, job_mtime_ms(&job.job));
	return err;
}

static int jobs_csv_read(struct jobs_csv *making)
{
	size_t len = making->listing ? listing_len(making->listing) : 0;
	size_t end = MIN(len, making->at + STEP);
	int err = 0;

	for (; !err && making->at < end; making->at++)
		err = jobs_csv_add_row(
			making, listing_member(making->listing, making->at));
	if (err || end < len)
		return err;
	csv_sort(making->csv);
	making->state = JOBS_CSV_PRINTING;
	making->at = 0;
	return csv_print_header(making->csv, &making->text);
}

static int jobs_csv_print(struct jobs_csv *making)
{
	size_t end = MIN(csv_len(making->csv), making->at + STEP);
	int err = 0;

	for (; !err && making->at < end; making->at++)
		err = csv_print_row(making->csv, making->at, &making->text);
	if (!err && end == csv_len(making->csv))
		making->state = JOBS_CSV_DONE;
	return err;
}

/* Runs a step. If that is not the last one, the timer will run the next. */
static void jobs_csv_step(struct jobs_csv *making)
{
	struct fs *fs = making->fs;

	catalog_read_begin(fs->catalog);
	if (making->state == JOBS_CSV_READING)
		making->error = jobs_csv_read(making);
	catalog_read_end(fs->catalog);
	if (making->state == JOBS_CSV_PRINTING && !making->error)
		making->error = jobs_csv_print(making);
	if (making->error == -EFBIG)
		log_error(fs->log, "%s", large_message);
	if (making->error)
		making->state = JOBS_CSV_DONE;
	if (making->state != JOBS_CSV_DONE)
		loop_timer_set(fs->loop, &making->timer, loop_now_ms(fs->loop));
}

static void jobs_csv_on_timer(void *ctx)
{
	struct jobs_csv *making = ctx;

	jobs_csv_step(making);
	if (making->state == JOBS_CSV_DONE)
		wait_wake(&making->queue, making->error);
}

static struct jobs_csv *jobs_csv_new(const struct request *request, const struct dir *dir)
{
	struct jobs_csv *making = calloc(1, sizeof(*making));

	if (!making)
		return NULL;
	*making = (struct jobs_csv){
		.fs = request->fs,
		.query = dir->tree.query,
		.listing = request->listing,
		.newest_ms = JOB_NO_TIME,
		.csv = csv_new(),
	};
	buf_init(&making->metadata, METADATA_TEXT_MAX);
	buf_init(&making->text, CSV_TEXT_MAX);
	wait_queue_init(&making->queue);
	loop_timer_init(&making->timer, jobs_csv_on_timer, making);
	if (making->csv)
		return making;
	jobs_csv_free(making);
	return NULL;
}

void jobs_csv_free(struct jobs_csv *making)
{
	if (!making)
		return;
	loop_timer_cancel(&making->timer);
	csv_free(making->csv);
	buf_done(&making->metadata);
	buf_done(&making->text);
	free(making);
}

/*
 * Makes sure that the request holds the directory's listing and that it is complete.
 * Returns 0, -EAGAIN after parking the request, or another negative errno.
 */
static int jobs_csv_want_listing(struct request *request, const struct dir *dir)
{
	struct fs *fs = request->fs;
	int err = request->listing ? 0 : request_failed_before(request);

	if (!err && !request->listing)
		err = listing_get(
			fs->sync, LISTING_JOBS, &dir->tree.query, &request->listing);
	request->timeout_message = late_message;
	while (!err)
		err = listing_want(request->listing, listing_len(request->listing));
	if (err == -EAGAIN)
		return request_park(request, listing_queue(request->listing));
	return err == -ENOENT ? 0 : err;
}

int jobs_csv_lookup(struct request *request, const struct dir *dir)
{
	struct jobs_csv *making = request->jobs_csv;

	if (!making) {
		int err = query_is_empty(&dir->tree.query)
				  ? 0
				  : jobs_csv_want_listing(request, dir);

		if (err)
			return err;
		making = request->jobs_csv = jobs_csv_new(request, dir);
		if (!making)
			return -ENOMEM;
		jobs_csv_step(making);
	}
	if (making->state != JOBS_CSV_DONE)
		return request_park(request, &making->queue);
	if (making->error)
		return making->error;

	const struct snapshot_attr attr = {
		.ino = directories_child_ino(dir->ino, file_name),
		.type = S_IFREG,
		.changed_ms = making->newest_ms == JOB_NO_TIME ? request->fs->made_ms
							       : making->newest_ms,
	};
	struct buf text = making->text;

	buf_init(&making->text, CSV_TEXT_MAX);
	return snapshot_reply(request, &attr, &text, 0);
}
