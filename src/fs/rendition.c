/* SPDX-License-Identifier: MIT */
#include "rendition.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/spool.h"
#include "job_file.h"
#include "request.h"
#include "sync/job_fetch.h"

/*
 * Limits of the texts kept in memory for readers that look a file up and then read it in
 * parts. The text used last is always kept, however long it is: otherwise it would be
 * rendered again for each part.
 */
enum { TEXTS_MAX = 64, BYTES_MAX = 8 << 20 };

struct rendition {
	struct list link;
	uint64_t node;
	struct buf text;
	bool evicted; /* the job's text had been evicted */
};

enum { FORMAT_BITS = 3, FORMAT_MASK = (1 << FORMAT_BITS) - 1 };

_Static_assert(FORMATS <= FORMAT_MASK + 1, "the format has three bits of a number");

uint64_t rendition_number(uint64_t number, struct variant variant)
{
	return number | variant.translation << FORMAT_BITS | variant.format;
}

/* Bit 62 is set in the numbers of jobs and clear in those of directories. */
bool rendition_is_number(uint64_t number)
{
	return number >> 62 & 1 && number & JOB_FILES_MASK;
}

/* Reverses rendition_number(). */
static struct variant rendition_variant(uint64_t number)
{
	return (struct variant){
		.format = (enum format)(number & FORMAT_MASK),
		.translation = (unsigned)(number & JOB_FILES_MASK) >> FORMAT_BITS,
	};
}

static void rendition_drop(struct renditions *renditions, struct rendition *rendition)
{
	renditions->len--;
	renditions->bytes -= rendition->text.cap;
	list_remove(&rendition->link);
	buf_done(&rendition->text);
	free(rendition);
}

void renditions_init(struct renditions *renditions)
{
	*renditions = (struct renditions){0};
	list_init(&renditions->texts);
}

void renditions_done(struct renditions *renditions)
{
	list_for_each_safe (link, &renditions->texts)
		rendition_drop(renditions, list_entry(link, struct rendition, link));
}

static struct rendition *rendition_find(struct renditions *renditions, uint64_t node)
{
	list_for_each (link, &renditions->texts) {
		struct rendition *rendition = list_entry(link, struct rendition, link);

		if (rendition->node != node)
			continue;
		list_remove(&rendition->link);
		list_append(&renditions->texts, &rendition->link);
		return rendition;
	}
	return NULL;
}

/*
 * Keeps a text as the one used last, in place of an older copy, and evicts others. Takes
 * the memory of `text`. Returns 0 or -ENOMEM.
 */
static int rendition_keep(
	struct renditions *renditions, uint64_t node, bool evicted, struct buf *text)
{
	struct rendition *old = rendition_find(renditions, node);
	struct rendition *rendition = calloc(1, sizeof(*rendition));

	if (!rendition)
		return -ENOMEM;
	if (old)
		rendition_drop(renditions, old);
	*rendition = (struct rendition){.node = node, .text = *text, .evicted = evicted};
	buf_init(text, FORMAT_TEXT_MAX);
	list_append(&renditions->texts, &rendition->link);
	renditions->len++;
	renditions->bytes += rendition->text.cap;
	while (renditions->len > 1 &&
		(renditions->len > TEXTS_MAX || renditions->bytes > BYTES_MAX))
		rendition_drop(renditions,
			list_entry(renditions->texts.next, struct rendition, link));
	return 0;
}

/*
 * Renders a job in several formats. Returns 0 if the first one succeeded; each of the
 * others has a result of its own.
 */
static int rendition_render(struct fs *fs, const struct catalog_job *job,
	unsigned translation, struct rendering *renderings, size_t renderings_len)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int err = file_read_text(fs, job, 0, SIZE_MAX, &text, &len);

	if (err)
		return err;
	job_fetch_was_read(fs->sync, job->row);
	format_render_each(translation, text, len, renderings, renderings_len);
	err = renderings[0].result;
	if (err == RENDER_REPLACED) {
		log_warning(fs->log,
			"job %s has subtitles in which no cue can be read: showing "
			"subtitles made from its utterances",
			job->job.id);
		err = 0;
	}
	if (!err || err == -ENOMEM || err == -ENOENT)
		return err;
	log_error(fs->log, "job %s cannot be shown as %s: %s", job->job.id,
		format_name(renderings[0].format),
		err == -EMSGSIZE ? "the result would be too long"
				 : "the job's JSON is not in the expected form");
	return err == -EMSGSIZE ? -EFBIG : -EIO;
}

/*
 * Returns how many formats are rendered if `format` is asked for, and which; it is the
 * first of them. Most readers of subtitles/ ask for both formats of subtitles, and making
 * both takes little longer than making one.
 */
static size_t rendition_formats(enum format format, enum format ret_formats[static 2])
{
	ret_formats[0] = format;
	if (format != FORMAT_SRT && format != FORMAT_VTT)
		return 1;
	ret_formats[1] = format == FORMAT_SRT ? FORMAT_VTT : FORMAT_SRT;
	return 2;
}

/* Renders a file of a job, and keeps it and what is rendered with it. */
static int rendition_make(
	struct request *request, const struct catalog_job *job, struct variant variant)
{
	enum format formats[2];
	size_t len = rendition_formats(variant.format, formats);
	struct rendering renderings[2];
	struct buf texts[2];

	for (size_t i = 0; i < len; i++) {
		buf_init(&texts[i], FORMAT_TEXT_MAX);
		renderings[i] = (struct rendering){&texts[i], formats[i], 0};
	}

	int err = rendition_render(
		request->fs, job, variant.translation, renderings, len);

	/* The file itself is kept last, so it is never evicted for the other one. */
	for (size_t i = len; !err && i-- > 0;) {
		variant.format = formats[i];
		if (renderings[i].result >= 0)
			err = rendition_keep(&request->fs->renditions,
				rendition_number(job->node, variant),
				request->wanted_text, &texts[i]);
	}
	for (size_t i = 0; i < len; i++)
		buf_done(&texts[i]);
	return err;
}

/* Takes a file of a job out of the spool, and keeps it. Returns as spool_take() does. */
static int rendition_take(
	struct fs *fs, const struct catalog_job *job, struct variant variant)
{
	uint64_t node = rendition_number(job->node, variant);
	struct buf text;

	buf_init(&text, FORMAT_TEXT_MAX);

	int err = spool_take(fs->catalog, job, node & JOB_FILES_MASK, &text);

	if (!err)
		err = rendition_keep(&fs->renditions, node, true, &text);
	buf_done(&text);
	return err;
}

int rendition_get(struct request *request, const struct catalog_job *job,
	struct variant variant, const struct buf **ret_text)
{
	struct fs *fs = request->fs;
	uint64_t node = rendition_number(job->node, variant);
	const struct rendition *rendition = rendition_find(&fs->renditions, node);

	if (!rendition) {
		int err = rendition_take(fs, job, variant);

		if (err == -ENODATA)
			err = rendition_make(request, job, variant);
		if (err == -ENODATA) {
			err = request_want_text(request, job);
			assert(err);
		}
		if (err)
			return err;
		rendition = rendition_find(&fs->renditions, node);
	}
	request->evicted = rendition->evicted;
	*ret_text = &rendition->text;
	return 0;
}

void rendition_replied(
	const struct request *request, const struct catalog_job *job, enum format format)
{
	if (request->evicted)
		prefetch_read(request->fs, job, format);
}

/* Spools the files of a job's transcription or of one of its translations. */
static void rendition_spool_each(struct fs *fs, const struct catalog_job *job,
	unsigned translation, unsigned formats, const char *text, size_t len)
{
	struct rendering renderings[FORMATS];
	struct buf texts[FORMATS];
	size_t count = 0;

	for (unsigned format = FORMAT_JSON + 1; format < FORMATS; format++) {
		if (!(formats >> format & 1) ||
			(translation && !format_has_translations(format)))
			continue;
		buf_init(&texts[count], FORMAT_TEXT_MAX);
		renderings[count] = (struct rendering){&texts[count], format, 0};
		count++;
	}
	if (count)
		format_render_each(translation, text, len, renderings, count);
	for (size_t i = 0; i < count; i++) {
		struct variant variant = {renderings[i].format, translation};
		uint64_t file = rendition_number(0, variant);

		/* If there is something to log, the lookup renders it again and logs it.
		 */
		if (!renderings[i].result)
			spool_put(fs->catalog, job, (unsigned)file, texts[i].data,
				texts[i].len);
		buf_done(&texts[i]);
	}
}

void rendition_spool(struct fs *fs, const struct catalog_job *job, unsigned formats)
{
	CLEANUP_FREE char *text = NULL;
	struct job_facts facts;
	size_t len;

	if (job->job.status != JOB_DONE || jobs_facts(fs->catalog, job->row, &facts) ||
		file_read_text(fs, job, 0, SIZE_MAX, &text, &len))
		return;

	unsigned translations = job_file_translations(&facts);

	for (unsigned n = 0; n <= translations; n++)
		rendition_spool_each(fs, job, n, formats, text, len);
}

/*
 * Gets the job and the text that a request asks for by node. Returns 0; -EAGAIN after
 * parking the request if the job's JSON text has to be fetched; or another negative
 * errno.
 */
static int rendition_get_for(
	struct request *request, struct catalog_job *ret_job, const struct buf **ret_text)
{
	struct fs *fs = request->fs;
	struct variant variant = rendition_variant(request->ino);
	uint64_t node = request->ino & ~(uint64_t)JOB_FILES_MASK;
	bool reading = catalog_read_begin(fs->catalog);
	int err = jobs_by_node(fs->catalog, node, ret_job);

	/* The kernel has no number that we did not give it, but a fuzzer may. */
	if (variant.format == FORMAT_JSON || variant.format >= FORMATS ||
		(!err && ret_job->job.status != JOB_DONE))
		err = -ESTALE;
	if (!err)
		err = rendition_get(request, ret_job, variant, ret_text);
	if (reading)
		catalog_read_end(fs->catalog);
	return err == -ENOENT ? -ESTALE : err;
}

int rendition_read(struct request *request)
{
	const struct buf *text;
	struct catalog_job job;
	int err = rendition_get_for(request, &job, &text);

	if (err)
		return err;
	request_reply_part(request, text);
	rendition_replied(request, &job, rendition_variant(request->ino).format);
	return 0;
}

int rendition_getattr(struct request *request)
{
	const struct buf *text;
	struct catalog_job job;
	struct stat attr;
	int err = rendition_get_for(request, &job, &text);

	if (err)
		return err;
	attr_of_rendition(
		request->fs, &job, rendition_variant(request->ino), text->len, &attr);
	fuse_reply_attr(request->req, &attr, FS_FOREVER);
	return 0;
}
