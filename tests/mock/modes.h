/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "text.h"

/*
 * Properties of the real API that are not known, and the answers that we play. Each mode
 * is set by name and value, on the command line or at run time; README.md lists them.
 */

/* Maximum size of a mode that is a string, including the NUL. */
#define MODE_STRING 256

enum items { ITEMS_WHOLE, ITEMS_SUMMARY, ITEMS_OTHER };
enum next_query { NEXT_QUERY_BOTH, NEXT_QUERY_OFFSET, NEXT_QUERY_NONE };
enum limit_over { LIMIT_CAP, LIMIT_400, LIMIT_422 };
enum order { ORDER_NEWEST, ORDER_OLDEST, ORDER_UNSORTED };
enum last_next { LAST_NEXT_NULL, LAST_NEXT_SET };
enum past_end { PAST_END_EMPTY, PAST_END_404 };
enum metadata {
	METADATA_JSON,
	METADATA_BRACKETS,
	METADATA_IGNORED,
	METADATA_EXACT,
	METADATA_EMPTY,
	METADATA_400,
	METADATA_422,
};
enum next_form {
	NEXT_ORIGIN,
	NEXT_OTHER_PATH,
	NEXT_RELATIVE,
	NEXT_QUERY,
	NEXT_OTHER_HOST,
};
enum next_name { NEXT_NAME_NEXT, NEXT_NAME_OTHER, NEXT_NAME_MISSING };
enum filter { FILTER_BEFORE_CUT, FILTER_AFTER_CUT };
enum retry_after { RETRY_SECONDS, RETRY_DATE, RETRY_ABSENT };
enum keys { KEYS_NORMAL, KEYS_NEXT_FIRST, KEYS_NEXT_LAST, KEYS_UNKNOWN };

struct modes {
	int64_t items, dates_ignored, next_query, limit_max, limit_over, default_limit,
		order, last_next;
	int64_t past_end, metadata, date_zone, before_inclusive, after_inclusive;
	int64_t next_form, next_stuck, retry_after, retry_after_s, gzip, chunked, keys;
	int64_t pretty, latency_ms, next_name, filter;
	char next_host[MODE_STRING]; /* with NEXT_OTHER_HOST: scheme and authority */
	char key[MODE_STRING];
};

void modes_init(struct modes *m);

/* Returns 0, -ENOENT if there is no such mode, or -EINVAL if it has no such value. */
int modes_set(struct modes *m, const char *name, const char *value);

/* Adds all modes as a JSON object. The values are strings for modes_set(). */
void modes_print(const struct modes *m, struct text *out);
