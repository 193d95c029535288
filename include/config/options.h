/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* The action that the command line requests (SEMANTICS 1.1 to 1.4). */
enum options_action {
	OPTIONS_MOUNT,
	OPTIONS_HELP,    /* -h */
	OPTIONS_VERSION, /* -V */
	OPTIONS_FAKE,    /* mount.gladiafs -f: do everything except the mount itself */
	OPTIONS_CHECK,   /* --check (SEMANTICS 1.6); the mount point can be NULL */
	OPTIONS_REFRESH, /* --refresh; only `paths` is set */
	OPTIONS_FETCH,   /* --fetch; only `paths` is set */
	OPTIONS_CACHE,   /* --cache; `cache_dir` and `cache_clean` are set */
};

/* Which caches --cache removes. */
enum options_clean {
	OPTIONS_CLEAN_NOTHING,
	OPTIONS_CLEAN_UNUSED, /* --cache=clean */
	OPTIONS_CLEAN_ALL,    /* --cache=clean-all */
};

/* The parsed command line. Release it with options_done(). */
struct options {
	enum options_action action;
	/*
	 * The device that the mount shows: `fsname`, or SOURCE as given, else `account`.
	 * mount(8) uses it to recognise which line of fstab is mounted.
	 */
	char *source;
	char *url;    /* API URL from a profile; NULL if not given */
	char *fsname; /* shown instead of `source`; NULL if not given */
	char *origin; /* valid API URL, scheme://host[:port], without a final slash */
	/* The jobs in messages and caches: `origin`, with /v2/live for live sessions. */
	char *account;
	char *mountpoint; /* as given */
	char **paths;     /* as given, at least one; the last element is NULL */
	enum options_clean cache_clean;
	bool check_api; /* --check --api (SEMANTICS 1.6) */
	bool foreground;
	bool debug;
	bool verbose;      /* -v: say what was mounted */
	bool log_requests; /* -v, but not of mount.gladiafs */

	char *key_file; /* NULL to search for the key (api_key.h) */
	char *ca_file;
	char *proxy; /* URL; "" for none; NULL for the environment's https_proxy */
	char *cache_dir;
	bool live; /* show live sessions instead of pre-recorded jobs */
	bool cache_disk;
	uint64_t cache_size; /* bytes */
	int64_t ttl_ms;
	int64_t timeout_ms;
	int connections;
	unsigned page_size; /* jobs per request; 0 for adaptive */
	bool log_syslog;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	unsigned formats; /* listed formats, bits 1 << enum format (render/render.h) */
	char *tz;         /* name of a time zone that exists (gladia/zone.h) */
	bool allow_other;
	bool auto_unmount;
	bool offline_ok;
	bool xattr;
	bool allow_delete;
	bool nonempty;          /* do not warn that the mount hides files */
	bool read_only;         /* "ro" without a later "rw"; disables allow_delete */
	struct buf mount_flags; /* flags for the kernel as given: ",nodev,nosuid" */
};

/*
 * Parses the command line of gladiafs, or of mount.gladiafs (mount(8)'s helper: SOURCE
 * MOUNTPOINT [-sfnv] [-N ns] [-t type] [-o ...]) if that is the last component of
 * argv[0]. Reads GLADIA_API_URL from the environment. Reads gladiafs.conf and the file of
 * a profile. Also accesses the disk for the user and group databases and the current
 * directory if an option needs them, and to explain a mistake.
 *
 * Returns 0, or -EINVAL or -ENOMEM with an error message in `errmsg` that says what is
 * wrong and what would be right. `ret_options` must be released with options_done() even
 * after a failure.
 */
int options_parse(int argc, char **argv, struct options *ret_options, struct buf *errmsg);

/* Frees the strings of `options`. */
void options_done(struct options *options);

/* Prints the text of -h to stdout: the usage, then every option with its default. */
void options_print_help(void);

/*
 * Appends a line "name=value". Control characters and backslashes in the value are
 * written as a backslash and three octal digits, as in /proc/mounts. Returns 0, -ENOMEM,
 * or -EMSGSIZE if `out` may not grow that much.
 */
int options_print_line(const char *name, const char *value, struct buf *out);

/*
 * Appends such a line for every option that -o takes, in the order of -h. A path that is
 * not set has no line. Returns the same values as options_print_line().
 */
int options_print_values(const struct options *options, struct buf *out);
