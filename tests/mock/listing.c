/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

static bool same_value(const cJSON *wanted, const cJSON *have, bool loose)
{
	const char *s = cJSON_GetStringValue(wanted);
	char *end;

	if (!loose || !s || cJSON_IsString(have))
		return cJSON_Compare(wanted, have, true);
	if (cJSON_IsBool(have))
		return strcmp(s, cJSON_IsTrue(have) ? "true" : "false") == 0;
	if (cJSON_IsNull(have))
		return strcmp(s, "null") == 0;
	return cJSON_IsNumber(have) && *s && strtod(s, &end) == have->valuedouble &&
	       !*end;
}

static bool contains(const cJSON *have, const cJSON *wanted, bool loose)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, wanted) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(
			have, member->string);

		if (!value)
			return false;
		if (cJSON_IsObject(member) ? !contains(value, member, loose)
					   : !same_value(member, value, loose))
			return false;
	}
	return true;
}

bool listing_matches(const struct job *job, const struct query *q, struct text *scratch)
{
	struct span metadata;
	cJSON *tree;
	bool hit;

	if (job->created < q->from || job->created >= q->until)
		return false;
	if (q->statuses && !(q->statuses & 1u << job->status))
		return false;
	if (!q->metadata || q->nothing)
		return !q->nothing;
	metadata = account_metadata(job, scratch);
	tree = cJSON_ParseWithLength(metadata.p, metadata.n);
	hit = q->exact ? cJSON_Compare(tree, q->metadata, true)
		       : cJSON_IsObject(tree) && contains(tree, q->metadata, q->loose);
	cJSON_Delete(tree);
	return hit;
}

static void collect(struct listing *l, const struct account *a, const struct query *q)
{
	struct text scratch = {0};
	size_t cap = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (!listing_matches(a->jobs[i], q, &scratch))
			continue;
		if (l->count == cap) {
			cap = cap ? 2 * cap : 64;
			l->own = must_grow(l->own, cap, sizeof(*l->own));
		}
		l->own[l->count++] = a->jobs[i];
	}
	l->jobs = l->own;
	text_done(&scratch);
}

static int by_seed(const void *a, const void *b)
{
	uint64_t x = stir((*(struct job *const *)a)->seed);
	uint64_t y = stir((*(struct job *const *)b)->seed);

	return x < y ? -1 : x > y;
}

static void forget(struct listing *l)
{
	free(l->filter);
	free(l->own);
	*l = (struct listing){0};
}

void listings_done(struct listings *l)
{
	for (size_t i = 0; i < LISTINGS; i++)
		forget(&l->entries[i]);
}

const struct listing *listings_get(struct listings *ls, const struct account *a,
	const struct query *q, enum order order)
{
	const char *filter = q->filter.p ? q->filter.p : "";
	struct listing *l;

	for (size_t i = 0; i < LISTINGS; i++) {
		l = &ls->entries[i];
		if (l->filter && l->generation == a->generation &&
			strcmp(l->filter, filter) == 0)
			return l;
	}
	l = &ls->entries[ls->next++ % LISTINGS];
	forget(l);
	l->filter = strdup(filter);
	l->generation = a->generation;
	l->backwards = order == ORDER_NEWEST;
	if (!*filter && order != ORDER_UNSORTED) {
		l->jobs = a->jobs;
		l->count = a->count;
		return l;
	}
	collect(l, a, q);
	if (order == ORDER_UNSORTED && l->count)
		qsort(l->own, l->count, sizeof(*l->own), by_seed);
	return l;
}

struct job *listing_job(const struct listing *l, size_t index)
{
	return l->jobs[l->backwards ? l->count - 1 - index : index];
}
