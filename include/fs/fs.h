/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "loop/loop.h"
#include "sync/sync.h"

/*
 * The filesystem: answers the kernel's requests from the catalog and has sync fetch what
 * is not there, on the loop. One mount.
 */
struct fs;

struct fs_config {
	const char *source;      /* shown by mount(8) as the device */
	const char *mount_flags; /* ",nodev,nosuid" ... for the kernel, or "" */
	const char *text;        /* of .gladiafs/config: what is in force, for people */
	bool allow_other;
	bool xattr;        /* SPEC 5.5 */
	bool allow_delete; /* SPEC 10: removing a job's file deletes the job */
	bool debug;        /* libfuse prints each message to stderr */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	unsigned formats; /* that are listed: a bit for each of format/format.h */
	int64_t ttl_ms;
	int64_t timeout_ms; /* the longest any request waits */
};

struct fs_handlers {
	/* The kernel's first message has been answered: the mount can be used. */
	void (*on_ready)(void *ctx);
	/* It was unmounted from outside (0), or the kernel's device fails. */
	void (*on_end)(void *ctx, int error);
};

/*
 * Strings of `config` are copied, all else is kept by reference. Sets sync's handlers. 0,
 * -ENOMEM.
 */
int fs_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct sync *sync, const struct fs_config *config,
	const struct fs_handlers *handlers, void *ctx, struct fs **ret_fs);

/*
 * Mounts on a directory. Requests wait until fs_start(). Returns 0, -ENOMEM or -EIO;
 * libfuse and fusermount3 say why on stderr.
 */
int fs_mount(struct fs *fs, const char *mountpoint);

/* Serves a mount from the loop's next turn on. Returns 0 or -errno. */
int fs_start(struct fs *fs);

/*
 * The same without a mount, for tests and fuzzing: serves whoever sends the kernel's
 * messages, one by one, through the other end of `fd` (SOCK_SEQPACKET). `fd` is not the
 * caller's any more, failure or not. 0, -EIO, -ENOMEM, -ENOSPC.
 */
int fs_serve(struct fs *fs, int fd);

/*
 * Answers everything that waits with an error, ends the connection to the kernel and
 * frees. The mount stays and gives errors until the caller unmounts it. Waits for half a
 * second at most. NULL is fine.
 */
void fs_free(struct fs *fs);

/* SIGHUP, SPEC 1.5: names and attributes the kernel keeps are asked for again. */
void fs_refresh(struct fs *fs);
