/* SPDX-License-Identifier: MIT */
#pragma once

#include "catalog/catalog.h"
#include "fake_kernel.h"
#include "fake_kernel_dir.h"
#include "fs/fs.h"
#include "sync/fake_api.h"
#include "sync/sync.h"

/*
 * The fixture of the session tests: a complete filesystem between an account in memory
 * (tests/unit/sync/fake_api.h) and a fake kernel. Its clock only moves when a test moves
 * it. Calls to the API are answered at once, unless they are stalled.
 */
struct mount {
	struct clock clock;
	int64_t mono_ms;
	int64_t wall_ms;
	struct log log;
	struct loop *loop;
	struct catalog *catalog;
	struct api *api;
	struct sync *sync;
	struct fs *fs;
	struct kernel *kernel;
	bool stalled; /* true if calls to the API stay pending */
	unsigned ready;
	unsigned ended;
	int end_error;
};

enum {
	MOUNT_TTL_MS = 60 * 1000,
	MOUNT_TIMEOUT_MS = 30 * 1000,
	MOUNT_MINOR = 38,
	MOUNT_UID = 1234,
	MOUNT_GID = 5678,
};

/* The initial wall clock (2026-04-01T12:00:00Z), and the beginning of that day. */
#define MOUNT_WALL_MS INT64_C(1775044800000)
#define MOUNT_DAY_MS  INT64_C(1775001600000)

struct mount_options {
	unsigned page_size;
	uint64_t texts_max; /* largest size of all cached texts; 0: no limit */
	mode_t umask;
	unsigned formats; /* formats that directories list, as a bit mask; 0: JSON */
	const char *path; /* path of the database file; NULL: there is no file */
	uint32_t minor;   /* minor version of the kernel's FUSE; 0: MOUNT_MINOR */
	bool unanswered;  /* true if mount_new_with() does not send INIT */
	bool allow_delete;
	bool xattr;
};

/* Create a mount that has answered INIT. */
struct mount *mount_new(void);
struct mount *mount_new_with(const struct mount_options *options);
void mount_free(struct mount *mount);

/* Frees the filesystem alone; everything else remains until mount_free(). */
void mount_end(struct mount *mount);

/* Runs one turn of the loop, and answers the calls to the API unless they are stalled. */
void mount_turn(struct mount *mount);

/* Moves both clocks forward and runs turns until nothing happens any more. */
void mount_forward(struct mount *mount, int64_t ms);

/* The UUID of the job with this number, or the name of its file. */
struct job_name {
	char text[FILENAME_BYTES_MAX + 1];
};
struct job_name job_id(unsigned number);
struct job_name job_file(unsigned number);

/* Adds done jobs `first` to `last`, created a second apart, `first` being the newest. */
void mount_add_jobs(struct mount *mount, unsigned first, unsigned last);

/* The current text of a job's file, as the account has it. */
struct job_text {
	char text[512];
	size_t len;
};
struct job_text mount_text(struct mount *mount, unsigned number);

/*
 * Reads a directory from `offset` to its end, in replies of `size` bytes. It must hold
 * the files of the jobs `first` to `last`, in this order, and nothing else.
 */
void mount_assert_names(struct mount *mount, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size, unsigned first, unsigned last);
