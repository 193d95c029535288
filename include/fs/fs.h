/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "gladia/zone.h"
#include "loop/loop.h"
#include "sync/sync.h"

/*
 * The filesystem of one mount. It answers the kernel's requests from the catalog and has
 * sync fetch from the API what the catalog lacks. It runs on the event loop.
 */
struct fs;

/* The type that the mount table shows, and the inode number of the root. */
#define FS_TYPE "fuse.gladiafs"
enum { FS_ROOT_INO = 1 };

/* Prints the version of libfuse, and of its interface to the kernel, to stdout. */
void fs_print_version(void);

struct fs_config {
	const char *source;      /* device name that mount(8) shows */
	const char *mount_flags; /* mount options such as ",nodev,nosuid", or "" */
	const char *text;        /* contents of .gladiafs/config */
	bool allow_other;
	bool xattr;        /* serve extended attributes (SEMANTICS 5.5) */
	bool allow_delete; /* removing a job's file deletes the job (SEMANTICS 10) */
	bool debug;        /* log each call of the kernel, with its result */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	enum zone zone;     /* of the days below date/ */
	unsigned formats;   /* formats that listings show, one bit for each enum format */
	int64_t ttl_ms;     /* how long a listing counts as fresh */
	int64_t timeout_ms; /* the longest that any request waits */
};

struct fs_handlers {
	/*
	 * Called once the kernel's first message is answered: the mount can be used.
	 */
	void (*on_ready)(void *ctx);
	/*
	 * Called when the mount ends: with 0 if it was unmounted from outside, or with a
	 * negative errno if the connection to the kernel failed.
	 */
	void (*on_end)(void *ctx, int error);
};

/*
 * Creates a filesystem and installs its handlers in `sync`. Copies `config`, its strings
 * and `handlers`; keeps all other arguments by reference. Returns 0 or -ENOMEM.
 */
int fs_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct sync *sync, const struct fs_config *config,
	const struct fs_handlers *handlers, void *ctx, struct fs **ret_fs);

/*
 * Mounts the filesystem on a directory. Requests wait in the kernel until fs_start().
 * Returns 0, or -ENOMEM or -EIO after libfuse or fusermount3 has printed the reason to
 * stderr.
 */
int fs_mount(struct fs *fs, const char *mountpoint);

/*
 * Serves a mount from the next turn of the event loop on. Returns 0 or a negative errno.
 */
int fs_start(struct fs *fs);

/*
 * Serves messages without a mount, for tests and fuzzing: the peer of the socket `fd`
 * (SOCK_SEQPACKET) plays the kernel and sends one message at a time. Takes ownership of
 * `fd`, even on failure.
 *
 * Returns 0, -EIO or -ENOMEM, -ENOSPC if the event loop cannot watch another descriptor,
 * or -EAGAIN if no thread can be started.
 */
int fs_serve(struct fs *fs, int fd);

/*
 * Fails all parked requests with ENOTCONN, closes the connection to the kernel and frees
 * the filesystem. The mount point remains and returns errors until the caller unmounts
 * it. Blocks for at most half a second. Does nothing if `fs` is NULL.
 */
void fs_free(struct fs *fs);

/*
 * Makes the kernel look up again all names and attributes it has cached, as SIGHUP does
 * (SEMANTICS 1.5).
 */
void fs_refresh(struct fs *fs);
