/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/api_key.h"
#include "config/options.h"
#include "mount/mountpoint.h"
#include "process/daemon.h"

/* Everything that is found out before mounting. */
struct mount_plan {
	const struct options *options;
	struct log log;
	char *key; /* the API key */
	struct key_source key_source;
	struct mountpoint mountpoint;
	char *cache_path;     /* the catalog's database file; NULL: temporary */
	int64_t timeout_ms;   /* maximum time that a request may be parked */
	struct daemon daemon; /* receives a report when the mount is usable */
};

/*
 * Checks the API key, mounts, and serves the mount until it is unmounted from outside or
 * the process receives SIGTERM, SIGINT or SIGQUIT. Unmounts before it returns; if that
 * fails, `errmsg` has the reason (SEMANTICS 1.8). On SIGHUP it reads the key again and
 * refreshes everything (SEMANTICS 1.5). These signals are left blocked. Call it at most
 * once, in a process that has no other threads.
 *
 * The key in `plan` is wiped once the API client has a copy. The log writes to stderr at
 * first; before mounting it is redirected as the options say.
 *
 * Returns an enum exit_code. If it is not EXIT_CODE_OK, `errmsg` holds an error message
 * of one sentence.
 */
int run_mount(struct mount_plan *plan, struct buf *errmsg);
