/* SPDX-License-Identifier: MIT */
#pragma once

#include "catalog/jobs.h"
#include "loop/loop.h"
#include "render/render.h"
#include "sync/listing.h"

struct fs;

/*
 * Prefetches texts into the kernel's page cache (notifier_store()) for a reader that
 * reads one file of a directory after the other, because a READ message costs several
 * times as much as the reading itself.
 *
 * Each READ of a file in the directory pushes the next files in the order of the listing,
 * whatever order the reader has. From the third READ on these are 1, 2, 4 files and so
 * on, up to PREFETCH_FILES. So the pushes get ahead of a reader in the order of the
 * listing. One file in PREFETCH_FILES is left out: its READ pushes the next ones before
 * the reader needs them. A reader in any other order sends READs until all files were
 * pushed, and then for those that were left out: 2 / PREFETCH_FILES of all.
 *
 * A reader of single files pauses between its READs, so none of them counts as the third.
 * A file is pushed at most once until the directory is opened again, so the pushes end
 * even for a process that reads files at random without pauses.
 *
 * If many files are read in another order, texts that were evicted are fetched in that of
 * the listing (job_fetch_follow()), and pushed when they have arrived; none is left out
 * then. So a reader in the order of names or inode numbers gets them as pages of the
 * list, too.
 *
 * Files in other formats cannot be pushed, because the kernel does not know them before
 * it has looked them up. For such a reader they are rendered when their texts arrive, and
 * wait in the spool (catalog/spool.h) until they are looked up: the texts themselves
 * would be evicted before.
 */
enum {
	PREFETCH_READERS = 4,
	PREFETCH_FILES = 64,
	/* A READ pushes no further text after this many bytes: other requests wait. */
	PREFETCH_BYTES = 4 << 20,
	/* After such a pause, the next READ counts as the first one. */
	PREFETCH_PAUSE_MS = 1000,
};

/* A directory that was opened, and how its files are read. */
struct prefetch_reader {
	struct listing *listing; /* we hold a reference; NULL if unused */
	uint64_t dir;            /* inode number of the directory */
	int64_t row;             /* row of the file read last */
	int64_t read_ms;         /* monotonic time of that READ */
	unsigned reads;          /* READs since the last pause */
	unsigned
		elsewhere; /* READs among these of files that are not next to be pushed */
	unsigned formats;  /* those of these files, a bit each */
	size_t next;       /* position of the next file to push */
	size_t fetched;    /* position after the last text requested to push it */
	size_t pushed;     /* files pushed or left out since the directory was opened;
			      SIZE_MAX: no more are pushed */
};

struct prefetch {
	struct prefetch_reader readers[PREFETCH_READERS]; /* last used first */
	struct loop_timer more; /* set if pushing goes on in the next turn of the loop */
};

/* Initialises fs->prefetch. */
void prefetch_init(struct fs *fs);

/* Releases all listings. */
void prefetch_done(struct prefetch *prefetch);

/* Notes that a directory of jobs was opened. Takes a reference to `listing`. */
void prefetch_opened(struct prefetch *prefetch, uint64_t dir, struct listing *listing);

/*
 * Returns the listing of a directory whose files are being read, if the job belongs to
 * it, or NULL. Takes no reference.
 */
struct listing *prefetch_listing(struct fs *fs, const struct catalog_job *job);

/*
 * Pushes the texts that have arrived after a READ has requested them, if its reader still
 * reads. A handler of sync.
 */
void prefetch_followed(struct fs *fs, const struct listing *listing);

/*
 * Notes that a job's JSON file was read from its start, or that a file in another format,
 * whose text had been evicted, was looked up or read; and that the reply was sent. Pushes
 * the next files if a reader goes through the directory. Both count as a READ here.
 */
void prefetch_read(struct fs *fs, const struct catalog_job *job, enum format format);
