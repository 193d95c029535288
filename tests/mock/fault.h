/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "modes.h"

/*
 * Faults on command: rules that say which requests fail, how often, and how.
 */

#define FAULTS_MAX 1000

struct exchange;
struct page;

struct fault {
	unsigned number;                  /* from 1 */
	char *method, *path;              /* what they must be; NULL: any */
	char *inside_path, *inside_query; /* what must occur in them; NULL: anything */
	uint64_t min_offset;
	uint64_t skip;
	int64_t times; /* still to come; -1: for ever */
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

/* Takes a rule as JSON. Gives its number, or -EINVAL and why. */
int faults_add(struct faults *f, const char *json, const char **ret_why);

/* Counts a request and returns its fault. */
struct fault_action faults_take(struct faults *f, const char *method, const char *path,
	const char *query, uint64_t offset);
void fault_action_done(struct fault_action *a);

void faults_print(const struct faults *f, struct text *out);

/* The names of all kinds, as JSON. */
void fault_kinds_print(struct text *out);

/* How long the request is held before it is looked at; -1: until it is released. */
int64_t fault_delay(const struct fault_action *a);

/* Whether the connection is to be reset instead of an answer. */
bool fault_resets(const struct fault_action *a);

/* Whether the answer is the fault's alone; it is then made. */
bool fault_replaces(
	const struct fault_action *a, const struct modes *modes, struct exchange *x);

/* Changes a page before it is written; `items` is what a fault puts into it. */
void fault_page(const struct fault_action *a, struct page *page, struct answer *items);

/* Changes an answer that is made: what is cut, and how it goes over the wire. */
void fault_wire(const struct fault_action *a, struct answer *answer);
