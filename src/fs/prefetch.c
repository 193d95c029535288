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

/*
 * Returns true if the file that was read last is near the next one to push, and whether
 * it follows that one.
 */
static bool prefetch_is_near(const struct prefetch_reader *reader, bool *ret_follows)
{
	size_t len = listing_len(reader->listing);
	size_t from = reader->next > NEAR ? reader->next - NEAR : 0;

	for (size_t at = from; at < reader->next + NEAR && at < len; at++) {
		if (listing_member(reader->listing, at) != reader->row)
			continue;
		*ret_follows = at > reader->next;
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
	bool follows;

	if (job->has_text || job->deleted || job->size <= 0)
		return false;
	if (prefetch_is_near(reader, &follows))
		return !follows;
	if (reader->elsewhere < FETCH_READ)
		return true;
	if (reader->next >= reader->fetched) {
		reader->fetched = reader->next + 1;
		job_fetch_follow(fs->sync, reader->listing, reader->next);
	}
	return job_fetch_is_coming(fs->sync, job->row);
}

/*
 * Pushes the text of the reader's next file into the page cache. Returns its length, 0 if
 * this job has no text to push, or a negative errno if no more can be pushed now.
 */
static int prefetch_push(struct fs *fs, struct prefetch_reader *reader)
{
	int64_t row = listing_member(reader->listing, reader->next);
	struct catalog_job job;
	char *text;
	size_t len;
	int err = jobs_by_row(fs->catalog, row, &job);

	if (!err && prefetch_awaits(fs, reader, &job))
		return -EAGAIN;
	if (err || job.deleted || !job.has_text || job.size <= 0 || job.size > TEXT_MAX)
		return 0;
	err = file_read_text(fs, &job, 0, SIZE_MAX, &text, &len);
	if (!err)
		err = notifier_store(fs->notifier, job.node, text, len);
	if (!err)
		job_fetch_was_read(fs->sync, row);
	if (err == -ENODATA || err == -ESTALE)
		return 0;
	return err ? err : (int)job.size;
}

/* Pushes the next files, at most `count`. Files that are left out count, too. */
static void prefetch_push_next(
	struct fs *fs, struct prefetch_reader *reader, unsigned count)
{
	size_t len = listing_len(reader->listing);
	int bytes = 0;

	for (; count && bytes < PREFETCH_BYTES && reader->pushed < len; count--) {
		if (reader->next >= len && !listing_is_complete(reader->listing))
			return;
		if (reader->next >= len)
			reader->next = reader->fetched = 0;

		/* A text that was fetched to be pushed would be evicted, and fetched
		 * again. */
		bool push = reader->next % PREFETCH_FILES || reader->fetched;
		int size = push ? prefetch_push(fs, reader) : 0;

		if (size < 0)
			return;
		bytes += size;
		reader->next++;
		reader->pushed++;
	}
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
static unsigned prefetch_count(
	struct prefetch_reader *reader, const struct catalog_job *job, int64_t now_ms)
{
	bool follows;

	/* Reading the same file again does not mean that other files are next. */
	if (job->row == reader->row)
		return 0;
	if (now_ms - reader->read_ms > PREFETCH_PAUSE_MS)
		reader->reads = reader->elsewhere = 0;
	reader->row = job->row;
	reader->read_ms = now_ms;
	reader->reads++;
	reader->elsewhere += !prefetch_is_near(reader, &follows);
	if (reader->reads < FIRST_READ)
		return 0;
	if (!reader->pushed)
		reader->next = prefetch_find(reader->listing, job->row) + 1;

	unsigned doublings = reader->reads - FIRST_READ;

	if (doublings < DOUBLINGS)
		return 1u << doublings;
	return reader->fetched ? FETCHED_FILES : PREFETCH_FILES;
}

static void prefetch_push_now(
	struct fs *fs, struct prefetch_reader *reader, unsigned count)
{
	catalog_read_begin(fs->catalog);
	prefetch_push_next(fs, reader, count);
	catalog_read_end(fs->catalog);
}

void prefetch_read(struct fs *fs, const struct catalog_job *job)
{
	struct prefetch *prefetch = &fs->prefetch;
	struct prefetch_reader *reader;
	unsigned count;
	size_t at;

	if (!prefetch_find_reader(fs, job, &at))
		return;
	reader = prefetch_use(prefetch, at);
	count = prefetch_count(reader, job, loop_now_ms(fs->loop));
	/* The listing is still needed if texts have been evicted. */
	if (notifier_unknown(fs->notifier) >= UNKNOWN_MAX)
		reader->pushed = SIZE_MAX;
	if (count && reader->pushed != SIZE_MAX)
		prefetch_push_now(fs, reader, count);
}

void prefetch_followed(struct fs *fs, const struct listing *listing)
{
	for (int i = 0; i < PREFETCH_READERS; i++) {
		struct prefetch_reader *reader = &fs->prefetch.readers[i];
		int64_t pause_ms = loop_now_ms(fs->loop) - reader->read_ms;

		if (reader->listing == listing && reader->fetched &&
			pause_ms <= PREFETCH_PAUSE_MS && reader->pushed != SIZE_MAX)
			prefetch_push_now(fs, reader, FETCHED_FILES);
	}
}
