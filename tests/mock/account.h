/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "text.h"

/*
 * The account: its jobs in the order of created_at, the newest last, and an index of ids.
 *
 * Jobs and bodies live as long as the account, even if the job is deleted or changed,
 * because answers that are being sent may refer to them. Each change increments
 * `generation`.
 */

enum status { STATUS_QUEUED, STATUS_PROCESSING, STATUS_DONE, STATUS_ERROR, STATUSES };

/* The API's names of the statuses, in the order of the enum. */
extern const char *const status_names[STATUSES];

/* Returns 0, or -EINVAL if there is no such status. */
int status_parse(const char *name, enum status *ret_status);

/* A job as it is served. Without the bytes from cut_from to cut_to it is a summary. */
struct body {
	const char *p;
	uint32_t n, cut_from, cut_to;
};

struct job {
	const char *id;
	const char *metadata; /* custom_metadata as JSON; NULL: made from the seed */
	const char *spec;     /* a description (spec.h); NULL: made from the seed */
	struct body body;     /* p is NULL if bodies are made on demand */
	int64_t created, completed; /* completed is -1 if the job is unfinished */
	uint64_t seed;
	uint32_t bytes; /* approximate size of the body of a done job */
	uint16_t error_code;
	uint8_t status;
	bool raw; /* the body is served verbatim */
	bool live;
};

struct account {
	struct job **jobs;
	size_t count, cap;
	struct job **slots; /* hash table by id, with open addressing */
	size_t slot_count;  /* a power of two */
	uint64_t generation;
	bool lazy; /* bodies are made on demand */
	bool live; /* the jobs are live sessions */
	struct arena memory;
};

void account_init(struct account *a, bool live);
void account_done(struct account *a);

/* Returns a new job without properties, which is not in the account yet. */
struct job *account_job(struct account *a);

/*
 * Inserts a job at the position of its created_at. Returns 0, or -EEXIST if there is a
 * job with its id.
 */
int account_insert(struct account *a, struct job *job);

struct job *account_find(const struct account *a, const char *id);

/* Returns the job's index in jobs[]; the job must exist. */
size_t account_position(const struct account *a, const struct job *job);

/* Removes a job from the account. The job stays readable. */
void account_remove(struct account *a, struct job *job);

/* Sets created_at of a job, and moves the job to its new position. */
void account_moved(struct account *a, struct job *job, int64_t created);

/* Returns a time a millisecond later than all times in the account. */
int64_t account_later(const struct account *a);

/* Returns a job's body. If it is made on demand, it is in `scratch`. */
struct body account_text(const struct job *job, struct text *scratch);

/*
 * Renders the body again after the job has changed, unless it is raw or made on demand.
 */
void account_render(struct account *a, struct job *job);

/*
 * Returns a job's custom_metadata as JSON. If it is made on demand, it is in `scratch`.
 */
struct span account_metadata(const struct job *job, struct text *scratch);
