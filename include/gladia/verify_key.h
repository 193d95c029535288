/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "base/log.h"
#include "gladia/api.h"
#include "loop/loop.h"

enum { KEYCHECK_MAX_MS = 10 * 1000 };

/*
 * Asks the API for one job, to see that it is there and takes the key (SPEC 1.3). Runs
 * the loop meanwhile, for config->timeout_ms and at most KEYCHECK_MAX_MS, with an api of
 * its own: the loop must not bear another. `once`: that nobody can be reached counts at
 * the first attempt (SPEC 7.5).
 *
 * 0; an error of api_new() or of api_list()'s on_done, with one sentence in `why`;
 * -ECANCELED where somebody called loop_stop().
 */
int keycheck_run(struct loop *loop, const struct log *log,
	const struct api_config *config, bool once, struct buf *why);
