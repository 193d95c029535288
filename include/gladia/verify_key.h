/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "gladia/filename.h"
#include "loop/loop.h"

enum {
	VERIFY_KEY_MAX_MS = 10 * 1000, /* upper limit of verify_key()'s duration */
	VERIFY_KEY_NEWEST_MAX = 20,
};

/* The ids of the account's newest jobs. */
struct verify_key_newest {
	char ids[VERIFY_KEY_NEWEST_MAX][FILENAME_BYTES_MAX + 1];
	size_t len;
};

/*
 * Lists one job to check that the API can be reached and accepts the key (SEMANTICS 1.3).
 * Runs the loop until the answer is there: for config->timeout_ms, but at most
 * VERIFY_KEY_MAX_MS. It creates its own api, so the loop must not have another one. If
 * `once` is true, the first attempt that does not reach the server ends the check
 * (SEMANTICS 7.5). If `ret_newest` is not NULL, lists VERIFY_KEY_NEWEST_MAX jobs instead
 * of one, and sets their ids.
 *
 * Returns 0, an error of api_new(), an error that api_list() passes to on_done,
 * -EHOSTUNREACH if `once` is true and the server was not reached, or -ECANCELED if
 * loop_stop() was called. On all errors but the last, `errmsg` is set.
 */
int verify_key(struct loop *loop, const struct log *log, const struct api_config *config,
	bool once, struct verify_key_newest *ret_newest, struct buf *errmsg);
