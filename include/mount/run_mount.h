/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/api_key.h"
#include "config/options.h"
#include "process/daemon.h"

/* Everything that run_mount() needs. All pointers must stay valid until it returns. */
struct mount_plan {
	const struct options *options;
	const char *mountpoint; /* absolute path */
	const char *cache_path; /* the catalog's database file; NULL: temporary */
	char *key;              /* API key; wiped once the API client has a copy */
	struct key_source
		*key_source;   /* the place from which SIGHUP reads the key again */
	int64_t timeout_ms;    /* maximum time that a request may be parked */
	struct daemon *daemon; /* receives a report when the mount is usable */
	/* Writes to stderr at first; before mounting we redirect it as `options` say. */
	struct log *log;
};

/*
 * Checks the API key, mounts, and serves the mount until it is unmounted from outside or
 * the process receives SIGTERM, SIGINT or SIGQUIT. Unmounts before it returns; if that
 * fails, `why` says why (SEMANTICS 1.8). On SIGHUP it reads the key again and refreshes
 * everything (SEMANTICS 1.5). These signals are left blocked. Call it at most once, in a
 * process that has no other threads.
 *
 * Returns an enum exit_code. If it is not EXIT_CODE_OK, `why` holds an error message of
 * one sentence.
 */
int run_mount(const struct mount_plan *config, struct buf *errmsg);
