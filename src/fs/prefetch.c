/* SPDX-License-Identifier: MIT */
#include "prefetch.h"

#include <errno.h>
#include <string.h>

#include "internal.h"
#include "sync/job_fetch.h"

enum {
	/* The first READ that pushes a file. */
	FIRST_READ = 3,
	/* The number of files doubles this often until it is PREFETCH_FILES. */
	DOUBLINGS = 6,
	/* After so many READs of files that are not next in the listing, texts that were
	 * evicted are fetched to be pushed: the reader goes through all files. */
	FETCH_READ = 16,
	/* A file that is read is next in the listing if it is so near. */
	NEAR = 8,
	/* Then a READ pushes more files, because it often has waited for the API. */
	FETCHED_FILES = 4 * PREFETCH_FILES,
	/* Larger files are not pushed: a READ costs little compared to reading them. */
	TEXT_MAX = 1 << 20,
	/* Rendering a text and spooling the result takes so many times as long as pushing
	 * it. */
	SPOOL_COST = 2,
	/*
	 * After this many texts whose node the kernel did not know, stop: it has
	 * forgotten the nodes and will look the names up again.
	 */
	UNKNOWN_MAX = 16,
};

_Static_assert(1 << DOUBLINGS == PREFETCH_FILES, "the number of files doubles");

static void prefetch_end(struct prefetch_reader *reader)
{
	if (reader->listing)
		listing_put(reader->listing);
	*reader = (struct prefetch_reader){0};
}

void prefetch_done(struct prefetch *prefetch)
{
	loop_timer_cancel(&prefetch->more);
	for (int i = 0; i < PREFETCH_READERS; i++)
		prefetch_end(&prefetch->readers[i]);
}

/* Makes readers[at] the first one, and returns it. */
static struct prefetch_reader *prefetch_use(struct prefetch *prefetch, size_t at)
{
	struct prefetch_reader used = prefetch->readers[at];

	memmove(&prefetch->readers[1], &prefetch->readers[0], at * sizeof(used));
	prefetch->readers[0] = used;
	return &prefetch->readers[0];
}

void prefetch_opened(struct prefetch *prefetch, uint64_t dir, struct listing *listing)
{
	struct prefetch_reader *reader;
	size_t at = 0;

	while (at < PREFETCH_READERS - 1 && prefetch->readers[at].dir != dir)
		at++;
	reader = prefetch_use(prefetch, at);
	listing_hold(listing);
	prefetch_end(reader);
	*reader = (struct prefetch_reader){.listing = listing, .dir = dir};
}

/* True if the job belongs to the reader's directory. */
static bool prefetch_is_in(struct fs *fs, const struct prefetch_reader *reader,
	const struct catalog_job *job)
{
	const struct dir *dir = directories_find(&fs->directories, reader->dir);
	bool matches;

	return dir && !jobs_match(fs->catalog, &dir->tree.query, job, &matches) &&
	       matches;
}

/* Finds a reader by a job of its directory. */
static bool prefetch_find_reader(
	struct fs *fs, const struct catalog_job *job, size_t *ret_at)
{
	for (size_t at = 0; at < PREFETCH_READERS; at++) {
		if (!prefetch_is_in(fs, &fs->prefetch.readers[at], job))
			continue;
		*ret_at = at;
		return true;
	}
	return false;
}

struct listing *prefetch_listing(struct fs *fs, const struct catalog_job *job)
{
	size_t at;

	return prefetch_find_reader(fs, job, &at) ? fs->prefetch.readers[at].listing
						  : NULL;
}

/* True if the reader reads files in this format. */
static bool prefetch_reads(const struct prefetch_reader *reader, enum format format)
{
	return reader->formats >> format & 1;
}

/* True if the reader reads files in other formats than JSON. */
static bool prefetch_reads_others(const struct prefetch_reader *reader)
{
	return reader->formats & ~(1u << FORMAT_JSON);
}

/*
 * Returns true and the position of the file that was read last if it is near the next one
 * to push.
 */
static bool prefetch_is_near(const struct prefetch_reader *reader, size_t *ret_at)
{
	size_t len = listing_len(reader->listing);
	size_t from = reader->next > NEAR ? reader->next - NEAR : 0;

	for (size_t at = from; at < reader->next + NEAR && at < len; at++) {
		if (listing_member(reader->listing, at) != reader->row)
			continue;
		*ret_at = at;
		return true;
	}
	return false;
}

/*
 * True if the text of the next file was evicted, and will arrive or may be requested
 * later. For a reader that reads many files in another order, it is requested here, once,
 * because it may not arrive.
 */
static bool prefetch_awaits(
	struct fs *fs, struct prefetch_reader *reader, const struct catalog_job *job)
{
	size_t at;

	if (job->has_text || job->deleted || job->size <= 0)
		return false;
	if (prefetch_is_near(reader, &at))
		return at <= reader->next;
	if (reader->elsewhere < FETCH_READ)
		return true;
	if (reader->next >= reader->fetched) {
		reader->fetched = reader->next + 1;
		job_fetch_follow(fs->sync, reader->listing, reader->next);
	}
	return job_fetch_is_coming(fs->sync, job);
}

/* Pushes a text into the page cache. Returns 0 or a negative errno. */
static int prefetch_push_text(struct fs *fs, const struct catalog_job *job)
{
	char *text;
	size_t len;
	int err = file_read_text(fs, job, 0, SIZE_MAX, &text, &len);

	if (!err)
		err = notifier_store(fs->notifier, job->node, text, len);
	if (!err)
		job_fetch_was_read(fs->sync, job->row);
	return err == -ENODATA || err == -ESTALE ? 0 : err;
}

/*
 * Spools the reader's next files in other formats, if it reads many in another order than
 * the listing's. A text that is still cached is rendered, too, because it may be evicted
 * for those that arrive. Returns true if it has read the text.
 */
static bool prefetch_spool(struct fs *fs, const struct prefetch_reader *reader,
	const struct catalog_job *job)
{
	if (!prefetch_reads_others(reader) || reader->elsewhere < FETCH_READ)
		return false;
	rendition_spool(fs, job, reader->formats);
	job_fetch_was_read(fs->sync, job->row);
	return true;
}

/*
 * Pushes the reader's next file. Returns what that has cost, in bytes that are pushed
 * into the page cache at the same time; 0 if this job has nothing to push; or a negative
 * errno if no more can be pushed now.
 */
static int prefetch_push(struct fs *fs, struct prefetch_reader *reader)
{
	int64_t row = listing_member(reader->listing, reader->next);
	struct catalog_job job;
	int cost = 0;
	int err = jobs_by_row(fs->catalog, row, &job);

	if (!err && prefetch_awaits(fs, reader, &job))
		return -EAGAIN;
	if (err || job.deleted || !job.has_text || job.size <= 0 || job.size > TEXT_MAX)
		return 0;
	if (prefetch_spool(fs, reader, &job))
		cost += SPOOL_COST * (int)job.size;
	if (prefetch_reads(reader, FORMAT_JSON)) {
		err = prefetch_push_text(fs, &job);
		cost += (int)job.size;
	}
	return err ? err : cost;
}

/*
 * Pushes the next files, at most `count`. Files that are left out count, too. Returns
 * true if it could go on at once.
 */
static bool prefetch_push_next(
	struct fs *fs, struct prefetch_reader *reader, unsigned count)
{
	size_t len = listing_len(reader->listing);
	int cost = 0;

	for (; count && cost < PREFETCH_BYTES; count--) {
		if (reader->pushed >= len ||
			(reader->next >= len && !listing_is_complete(reader->listing)))
			return false;
		if (reader->next >= len)
			reader->next = reader->fetched = 0;

		/* A text that was fetched to be pushed would be evicted, and fetched
		 * again. */
		bool push = reader->next % PREFETCH_FILES || reader->fetched;
		int err = push ? prefetch_push(fs, reader) : 0;

		if (err < 0)
			return false;
		cost += err;
		reader->next++;
		reader->pushed++;
	}
	return true;
}

/* Returns the position of a job in the listing, or the last position. */
static size_t prefetch_find(const struct listing *listing, int64_t row)
{
	size_t len = listing_len(listing);
	size_t at = 0;

	while (at + 1 < len && listing_member(listing, at) != row)
		at++;
	return at;
}

/* Counts a READ. Returns how many files it is to push. */
static unsigned prefetch_count(struct prefetch_reader *reader,
	const struct catalog_job *job, enum format format, int64_t now_ms)
{
	size_t at;

	if (now_ms - reader->read_ms > PREFETCH_PAUSE_MS)
		reader->reads = reader->elsewhere = reader->formats = 0;
	reader->read_ms = now_ms;
	reader->formats |= 1u << format;
	/* Reading the same file again, or another one of the same job, does not mean that
	 * other jobs are next. */
	if (job->row == reader->row)
		return 0;
	reader->row = job->row;
	reader->reads++;

	bool near = prefetch_is_near(reader, &at);

	reader->elsewhere += !near;
	if (!reader->pushed)
		reader->next = 1 + (near ? at : prefetch_find(reader->listing, job->row));
	if (reader->reads < FIRST_READ)
		return 0;
	/* Making a file for its reader costs no more than making it ahead. */
	if (!prefetch_reads(reader, FORMAT_JSON) && reader->elsewhere < FETCH_READ)
		return 0;

	unsigned doublings = reader->reads - FIRST_READ;

	if (doublings < DOUBLINGS)
		return 1u << doublings;
	return reader->fetched ? FETCHED_FILES : PREFETCH_FILES;
}

static void prefetch_push_now(
	struct fs *fs, struct prefetch_reader *reader, unsigned count)
{
	catalog_read_begin(fs->catalog);

	bool more = prefetch_push_next(fs, reader, count);

	catalog_read_end(fs->catalog);
	/* The next turn of the loop first handles what has arrived meanwhile. */
	if (more && reader->fetched)
		loop_timer_set(fs->loop, &fs->prefetch.more, loop_now_ms(fs->loop));
}

/* Pushes what has arrived for a reader that still reads. */
static void prefetch_go_on(struct fs *fs, struct prefetch_reader *reader)
{
	int64_t pause_ms = loop_now_ms(fs->loop) - reader->read_ms;

	if (reader->fetched && pause_ms <= PREFETCH_PAUSE_MS &&
		reader->pushed != SIZE_MAX)
		prefetch_push_now(fs, reader, FETCHED_FILES);
}

static void prefetch_on_more(void *ctx)
{
	struct fs *fs = ctx;

	for (int i = 0; i < PREFETCH_READERS; i++)
		prefetch_go_on(fs, &fs->prefetch.readers[i]);
}

void prefetch_init(struct fs *fs)
{
	loop_timer_init(&fs->prefetch.more, prefetch_on_more, fs);
}

void prefetch_read(struct fs *fs, const struct catalog_job *job, enum format format)
{
	struct prefetch *prefetch = &fs->prefetch;
	struct prefetch_reader *reader;
	unsigned count;
	size_t at;

	if (!prefetch_find_reader(fs, job, &at))
		return;
	reader = prefetch_use(prefetch, at);
	count = prefetch_count(reader, job, format, loop_now_ms(fs->loop));
	/* The listing is still needed if texts have been evicted. */
	if (prefetch_reads(reader, FORMAT_JSON) &&
		notifier_unknown(fs->notifier) >= UNKNOWN_MAX)
		reader->pushed = SIZE_MAX;
	if (count && reader->pushed != SIZE_MAX)
		prefetch_push_now(fs, reader, count);
}

void prefetch_followed(struct fs *fs, const struct listing *listing)
{
	for (int i = 0; i < PREFETCH_READERS; i++)
		if (fs->prefetch.readers[i].listing == listing)
			prefetch_go_on(fs, &fs->prefetch.readers[i]);
}
