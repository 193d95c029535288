/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "modes.h"

/*
 * Rules that define which requests fail, how often, and how.
 */

#define FAULTS_MAX 1000

struct exchange;
struct page;

struct fault {
	unsigned number;                  /* the first is 1 */
	char *method, *path;              /* must be equal; NULL: any */
	char *inside_path, *inside_query; /* must be contained; NULL: any */
	uint64_t min_offset;
	uint64_t skip;
	int64_t times; /* remaining; -1: no limit */
	double probability;
	uint64_t hits;
	cJSON *action; /* "do" */
};

struct faults {
	struct fault *list;
	size_t count;
	unsigned next_number;
	uint64_t chance;
};

struct fault_kind;

/* The fault of one request; kind is NULL if there is none. */
struct fault_action {
	const struct fault_kind *kind;
	cJSON *with; /* own copy of "do" */
};

void faults_clear(struct faults *f);

/* Adds a rule in JSON. Returns its number, or -EINVAL with an error message. */
int faults_add(struct faults *f, const char *json, const char **ret_why);

/* Counts a request and returns its fault. */
struct fault_action faults_take(struct faults *f, const char *method, const char *path,
	const char *query, uint64_t offset);
void fault_action_done(struct fault_action *a);

void faults_print(const struct faults *f, struct text *out);

/* Prints the names of all kinds as JSON. */
void fault_kinds_print(struct text *out);

/*
 * Returns for how many milliseconds the request is held before it is handled; -1: until
 * it is released.
 */
int64_t fault_delay(const struct fault_action *a);

/* True if the connection is reset instead of answering. */
bool fault_resets(const struct fault_action *a);

/* Makes the answer if the fault replaces it. Returns true if it does. */
bool fault_replaces(
	const struct fault_action *a, const struct modes *modes, struct exchange *x);

/* Changes a page before it is written. `items` are the items that replace its jobs. */
void fault_page(const struct fault_action *a, struct page *page, struct answer *items);

/* Changes a finished answer: truncates it, or changes how it is sent. */
void fault_wire(const struct fault_action *a, struct answer *answer);
