/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "text.h"

/*
 * The account: its jobs, newest last by created_at, and where each id is.
 *
 * Jobs and bodies live as long as the account, also after a job was deleted or changed:
 * an answer on its way may still point at them. A change counts `generation` up.
 */

enum status { STATUS_QUEUED, STATUS_PROCESSING, STATUS_DONE, STATUS_ERROR, STATUSES };

/* The API's words for them, in the order of the enum. */
extern const char *const status_names[STATUSES];

/* -EINVAL if there is no such status. */
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
	struct body body;     /* p is NULL where bodies are made on demand */
	int64_t created, completed; /* completed is -1 while unfinished */
	uint64_t seed;
	uint32_t bytes; /* about how long the body of a done job shall be */
	uint16_t error_code;
	uint8_t status;
	bool raw; /* the body was given verbatim */
};

struct account {
	struct job **jobs;
	size_t count, cap;
	struct job **slots; /* open addressing by id; a power of two, NULL where free */
	size_t slot_count;
	uint64_t generation;
	bool lazy; /* bodies are made on demand */
	struct arena memory;
};

void account_init(struct account *a);
void account_done(struct account *a);

/* A new job, cleared, not in the account yet. */
struct job *account_job(struct account *a);

/* Puts a job in by its created_at. -EEXIST if its id is there already. */
int account_insert(struct account *a, struct job *job);

struct job *account_find(const struct account *a, const char *id);

/* Returns the job's index in jobs[]; the job must exist. */
size_t account_position(const struct account *a, const struct job *job);

/* Takes a job out; it stays readable. */
void account_remove(struct account *a, struct job *job);

/* To be called after created_at of a job in the account is set to something else. */
void account_moved(struct account *a, struct job *job, int64_t created);

/* A millisecond later than anything that happened in the account. */
int64_t account_later(const struct account *a);

/* Returns a job's body. If it is made on demand, it is in `scratch` and lives as long. */
struct body account_text(const struct job *job, struct text *scratch);

/* Makes the body again after the job has changed (unless it is raw or on demand). */
void account_render(struct account *a, struct job *job);

/* Returns a job's custom_metadata as JSON; in `scratch` if it is made on demand. */
struct span account_metadata(const struct job *job, struct text *scratch);
