/* SPDX-License-Identifier: MIT */
#pragma once

#include "catalog/catalog.h"
#include "fake_kernel.h"
#include "fake_kernel_dir.h"
#include "fs/fs.h"
#include "sync/fake_api.h"
#include "sync/sync.h"

/*
 * What the session's tests stand on: the whole filesystem between an account in memory
 * (tests/unit/sync/fake_api.h) and a kernel played by the test, on a clock that stands
 * still unless it is put forward. Calls to the API are answered as they are made, unless
 * they are stalled.
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
	bool stalled; /* calls to the API stay pending */
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

/* The wall clock at first: 2026-04-01T12:00:00Z, and the beginning of that day. */
#define MOUNT_WALL_MS INT64_C(1775044800000)
#define MOUNT_DAY_MS  INT64_C(1775001600000)

struct mount_options {
	unsigned page_size;
	uint64_t texts_max; /* 0: no limit */
	mode_t umask;
	unsigned formats; /* that are listed */
	const char *path; /* of the catalog's file; NULL: it has none */
	uint32_t minor;   /* of the kernel's FUSE; 0: MOUNT_MINOR */
	bool unanswered;  /* INIT is not sent yet */
	bool allow_delete;
	bool xattr;
};

/* With INIT exchanged. */
struct mount *mount_new(void);
struct mount *mount_new_with(const struct mount_options *options);
void mount_free(struct mount *mount);

/* Takes only the filesystem away; the rest stays. */
void mount_end(struct mount *mount);

/* One turn of the loop, and answers of the API. */
void mount_turn(struct mount *mount);

/* Puts both clocks forward and turns until nothing happens any more. */
void mount_forward(struct mount *mount, int64_t ms);

/* Jobs that are told apart by their number: UUIDs, and their file's names. */
struct job_name {
	char text[FILENAME_BYTES_MAX + 1];
};
struct job_name job_id(unsigned number);
struct job_name job_file(unsigned number);

/* Adds jobs `first` to `last`, done, the first being the newest: created a second apart.
 */
void mount_add_jobs(struct mount *mount, unsigned first, unsigned last);

/* The text of a job's file as the account has it now. */
struct job_text {
	char text[512];
	size_t len;
};
struct job_text mount_text(struct mount *mount, unsigned number);

/*
 * Reads a directory from `offset` to its end, in replies of `size`: the files of the jobs
 * `first` to `last`, in this order, and nothing else.
 */
void mount_assert_names(struct mount *mount, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size, unsigned first, unsigned last);
