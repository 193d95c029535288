/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "gladia/filename.h"
#include "gladia/query.h"

/*
 * Values of the filters by time that depend on the present: "today" and "yesterday", and
 * with QUERY_AFTER and QUERY_BEFORE also "30m", "24h", "7d" and "2w", which mean so many
 * minutes, hours, days or weeks ago.
 *
 * Prints what "word[,word...]" means at `now_ms`, in words that query_narrow() takes:
 * days of `zone`, and times without seconds, rounded down. Other words are copied.
 * Returns 0, or -ENOENT if none of the words depends on the present, or if the result is
 * too long for a name.
 */
int relative_time_print(enum zone zone, enum query_filter filter, const char *words,
	int64_t now_ms, char ret_words[static FILENAME_BYTES_MAX + 1]);
