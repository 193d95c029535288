/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * Reads directories of gladiafs mounts and the jobs in them, so that their texts are in
 * the cache of the mount (SEMANTICS 1.7). The root of a mount means its directory all/.
 * `paths` ends with NULL.
 *
 * Reports progress to stderr, with a bar on a terminal and otherwise with a line per
 * minute, and prints one line to stdout at the end. SIGINT, SIGTERM and SIGHUP kill the
 * process at once; texts fetched by then stay in the cache, so that running the command
 * again continues from there.
 *
 * Call it at most once, in a process that has no other threads. Blocks until everything
 * has been fetched. Returns an enum exit_code: EXIT_CODE_OK only if every job was
 * fetched; otherwise `errmsg` holds an error message of one sentence.
 */
int fetch_run(char *const *paths, struct buf *errmsg);
