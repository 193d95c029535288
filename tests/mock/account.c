/* SPDX-License-Identifier: MIT */
#include "account.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "spec.h"

const char *const status_names[STATUSES] = {"queued", "processing", "done", "error"};

int status_parse(const char *name, enum status *ret_status)
{
	for (int i = 0; i < STATUSES; i++) {
		if (strcmp(name, status_names[i]) == 0) {
			*ret_status = (enum status)i;
			return 0;
		}
	}
	return -EINVAL;
}

void account_init(struct account *a, bool live)
{
	*a = (struct account){.slot_count = 1024, .live = live};
	a->slots = must_alloc(a->slot_count * sizeof(*a->slots));
}

void account_done(struct account *a)
{
	free(a->jobs);
	free(a->slots);
	arena_done(&a->memory);
}

struct job *account_job(struct account *a)
{
	struct job *job = arena_alloc(&a->memory, sizeof(*job));

	*job = (struct job){.completed = -1, .live = a->live};
	return job;
}

/* FNV-1a. The result is mixed once more, because the slot is its low bits. */
static size_t slot_of(const struct account *a, const char *id)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 0x100000001b3u;
	return (size_t)stir(h) & (a->slot_count - 1);
}

/* Returns the slot that contains the id, or the free slot for it. */
static size_t find_slot(const struct account *a, const char *id)
{
	size_t i = slot_of(a, id);

	while (a->slots[i] && strcmp(a->slots[i]->id, id) != 0)
		i = (i + 1) & (a->slot_count - 1);
	return i;
}

static void grow_slots(struct account *a)
{
	a->slot_count *= 4;
	free(a->slots);
	a->slots = must_alloc(a->slot_count * sizeof(*a->slots));
	for (size_t i = 0; i < a->count; i++)
		a->slots[find_slot(a, a->jobs[i]->id)] = a->jobs[i];
}

struct job *account_find(const struct account *a, const char *id)
{
	return a->slots[find_slot(a, id)];
}

/* Returns the number of jobs that are not newer than `created`. */
static size_t count_until(const struct account *a, int64_t created)
{
	size_t low = 0, high = a->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->jobs[middle]->created <= created)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t account_position(const struct account *a, const struct job *job)
{
	size_t i = count_until(a, job->created);

	while (a->jobs[i - 1] != job)
		i--;
	return i - 1;
}

static void place(struct account *a, struct job *job)
{
	size_t at = count_until(a, job->created);

	memmove(&a->jobs[at + 1], &a->jobs[at], (a->count - at) * sizeof(*a->jobs));
	a->jobs[at] = job;
	a->count++;
	a->generation++;
}

static void displace(struct account *a, const struct job *job)
{
	size_t at = account_position(a, job);

	a->count--;
	memmove(&a->jobs[at], &a->jobs[at + 1], (a->count - at) * sizeof(*a->jobs));
	a->generation++;
}

int account_insert(struct account *a, struct job *job)
{
	size_t slot = find_slot(a, job->id);

	if (a->slots[slot])
		return -EEXIST;
	if (a->count == a->cap) {
		a->cap = a->cap ? 2 * a->cap : 256;
		a->jobs = must_grow(a->jobs, a->cap, sizeof(*a->jobs));
	}
	a->slots[slot] = job;
	place(a, job);
	if (a->count * 2 > a->slot_count)
		grow_slots(a);
	return 0;
}

/* Closes the gap in the run of slots after `hole`: otherwise lookups would end there. */
static void close_gap(struct account *a, size_t hole)
{
	size_t mask = a->slot_count - 1;

	for (size_t i = (hole + 1) & mask; a->slots[i]; i = (i + 1) & mask) {
		size_t home = slot_of(a, a->slots[i]->id);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		a->slots[hole] = a->slots[i];
		a->slots[i] = NULL;
		hole = i;
	}
}

void account_remove(struct account *a, struct job *job)
{
	size_t slot = find_slot(a, job->id);

	displace(a, job);
	a->slots[slot] = NULL;
	close_gap(a, slot);
}

void account_moved(struct account *a, struct job *job, int64_t created)
{
	displace(a, job);
	job->created = created;
	place(a, job);
}

int64_t account_later(const struct account *a)
{
	int64_t latest = 0;

	/* Jobs complete minutes after their creation: the newest thousand are enough. */
	for (size_t i = a->count; i > 0 && i + 1000 > a->count; i--) {
		const struct job *job = a->jobs[i - 1];

		if (job->created > latest)
			latest = job->created;
		if (job->completed > latest)
			latest = job->completed;
	}
	return latest + 1;
}

static struct body make_text(const struct job *job, struct text *out)
{
	out->n = 0;
	return job->spec ? spec_text(job, out) : generate_text(job, out);
}

struct body account_text(const struct job *job, struct text *scratch)
{
	return job->body.p ? job->body : make_text(job, scratch);
}

void account_render(struct account *a, struct job *job)
{
	struct text scratch = {0};
	struct body body;

	a->generation++;
	if (job->raw || a->lazy)
		return;
	body = make_text(job, &scratch);
	body.p = arena_copy(&a->memory, body.p, body.n);
	job->body = body;
	text_done(&scratch);
}

struct span account_metadata(const struct job *job, struct text *scratch)
{
	if (job->metadata)
		return (struct span){job->metadata, strlen(job->metadata)};
	scratch->n = 0;
	generate_metadata(job->seed, scratch);
	return (struct span){scratch->p, scratch->n};
}
