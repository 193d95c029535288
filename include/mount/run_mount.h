/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/api_key.h"
#include "config/options.h"
#include "process/daemon.h"

/* All must live as long as serve_run() runs. */
struct serve_config {
	const struct options *options;
	const char *mountpoint;        /* absolute */
	const char *cache_path;        /* the catalog's file; NULL: none */
	char *key;                     /* wiped as soon as it is not needed any more */
	struct key_source *key_source; /* where SIGHUP reads the key again */
	int64_t timeout_ms;            /* the longest a request waits */
	struct daemon *daemon;         /* hears of it when the mount can be used */
	/* On stderr; when the mount is about to be made, it turns to where options say.
	 */
	struct log *log;
};

/*
 * The life of a mount: checks the key against the API, mounts, answers, until it is
 * unmounted from outside or SIGTERM, SIGINT or SIGQUIT comes. Then the mount is gone, or
 * `why` says why it could not be unmounted (SPEC 1.8).
 * SIGHUP reads the key again and forgets what is known (SPEC 1.5). Those signals stay
 * blocked. To be called once, without other threads.
 *
 * An enum exit_code; where it is not EXIT_CODE_OK, `why` has one sentence.
 */
int serve_run(const struct serve_config *config, struct buf *why);
