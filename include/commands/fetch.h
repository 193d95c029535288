/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * SPEC 1.7: reads directories of gladiafs mounts, and their jobs' texts, so that they are
 * in the mounts' cache; of a mount's root that is its all/. Tells how far it is on
 * stderr: with a bar on a terminal, else in a line a minute; at the end in one line on
 * stdout. SIGINT, SIGTERM and SIGHUP end the process at once, by that signal; what was
 * fetched by then stays, so that the same again goes on.
 *
 * To be called once, by a process that has no other threads. An enum exit_code:
 * EXIT_CODE_OK only if all of it is there; else `why` has one sentence.
 */
int fetch_run(char *const *paths, struct buf *why);
