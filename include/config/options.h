/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* What the command line asks for (SPEC 1.1 to 1.4). */
enum options_action {
	OPTIONS_MOUNT,
	OPTIONS_HELP,    /* -h */
	OPTIONS_VERSION, /* -V */
	OPTIONS_FAKE,    /* mount.gladiafs -f: all but the mount itself */
	OPTIONS_CHECK,   /* --check (SPEC 1.6); there is no mount point */
	OPTIONS_REFRESH, /* --refresh; of these two only `paths` is set */
	OPTIONS_FETCH,   /* --fetch */
};

struct options {
	enum options_action action;
	/*
	 * SOURCE as given, else `origin`: what the mount shows as its device. mount(8)
	 * knows a line of fstab that is mounted by its first word.
	 */
	char *source;
	char *origin;     /* scheme://host[:port], checked, no slash at the end */
	char *mountpoint; /* as given */
	char **paths;     /* as given, at least one, then NULL */
	bool foreground;
	bool debug;
	bool verbose; /* mount.gladiafs -v */

	char *key_file; /* NULL: look for it (key.h) */
	char *ca_file;
	char *proxy; /* a URL; "": none; NULL: what https_proxy says */
	char *cache_dir;
	bool cache_disk;
	uint64_t cache_size; /* bytes */
	int64_t ttl_ms;
	int64_t timeout_ms;
	int connections;
	unsigned page_size; /* 0: adaptive */
	bool log_syslog;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	unsigned formats; /* that are listed: a bit for each of format/format.h */
	bool allow_other;
	bool auto_unmount;
	bool offline_ok;
	bool xattr;
	bool allow_delete;
	bool read_only; /* "ro", without a later "rw": allow_delete does not count */
	struct buf mount_flags; /* ",nodev,nosuid" ...: for the kernel, as they came */
};

/*
 * Parses the command line of gladiafs, or of mount.gladiafs where argv[0]'s last
 * component is that (mount(8)'s helper: SOURCE MOUNTPOINT [-sfnv] [-N ns] [-t type]
 * [-o ...]). Environment: GLADIA_API_URL.
 *
 * 0; -EINVAL with one sentence in `why` (no newline) that names what is wrong and what
 * would be right. Freed with options_done() in either case. Does not touch the disk.
 */
int options_parse(int argc, char **argv, struct options *ret_options, struct buf *why);
void options_done(struct options *options);

/* The text of -h: usage, then every option with its default. */
void options_print_help(void);
