/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

/*
 * The log of requests: counters, and an entry for each of the last REQLOG_MAX requests to
 * the API.
 */

#define REQLOG_MAX 200000

struct log_entry {
	uint64_t n;      /* the first is 1; clearing the log does not reset it */
	int64_t t_ms;    /* since the start */
	char *fields;    /* `"method":…,"path":…,"query":…,"headers":{…}` */
	unsigned status; /* 0: not answered */
	uint64_t bytes;  /* number of bytes of the body */
};

struct counters {
	uint64_t requests, list_requests, get_requests, delete_requests;
	uint64_t in_flight, max_in_flight, connections, bytes_out;
};

/* The condition that a caller of /_mock/wait waits for; UINT64_MAX: any. */
struct wait_for {
	uint64_t in_flight, in_flight_at_most, requests;
};

struct reqlog {
	struct log_entry *entries; /* a ring of REQLOG_MAX */
	uint64_t first, last;      /* entries first <= n < last are kept */
	int64_t started;
	struct counters counters;
	FILE *file; /* gets a line of JSON for each request; may be NULL */
};

void reqlog_init(struct reqlog *l, FILE *file);
void reqlog_done(struct reqlog *l);

/* Adds an entry, and takes ownership of `fields`. Returns its number. */
uint64_t reqlog_begin(struct reqlog *l, struct text *fields);

/* Records the response. Can be called again with new values. */
void reqlog_answer(struct reqlog *l, uint64_t n, unsigned status, uint64_t bytes);

/* Completes an entry: writes its line to the file and counts its bytes. */
void reqlog_end(struct reqlog *l, uint64_t n);

/* Remove the entries, or reset the counters, except that of requests in flight. */
void reqlog_clear(struct reqlog *l);
void reqlog_reset(struct reqlog *l);

void reqlog_print(const struct reqlog *l, struct text *out);
void reqlog_print_counters(const struct reqlog *l, struct text *out);

/* True if the counters meet the condition. */
bool reqlog_reached(const struct reqlog *l, const struct wait_for *w);
