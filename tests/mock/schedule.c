/* SPDX-License-Identifier: MIT */
#include "schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"
#include "spec.h"

static const cJSON *get(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

void schedules_done(struct schedules *s)
{
	for (size_t i = 0; i < s->count; i++)
		cJSON_Delete(s->list[i].changes);
	free(s->list);
	s->list = NULL;
	s->count = 0;
}

int schedules_add(struct schedules *s, const char *json)
{
	cJSON *o = cJSON_Parse(json);
	const cJSON *after = get(o, "after_requests");
	cJSON *changes = cJSON_DetachItemFromObjectCaseSensitive(o, "do");
	double k = cJSON_IsNumber(after) ? after->valuedouble : 1;

	cJSON_Delete(o);
	if (!cJSON_IsArray(changes) || k < 1 || s->count == SCHEDULES_MAX) {
		cJSON_Delete(changes);
		return -EINVAL;
	}
	s->list = must_grow(s->list, s->count + 1, sizeof(*s->list));
	s->list[s->count++] = (struct schedule){
		.at = s->lists + (uint64_t)k, .changes = changes};
	return 0;
}

static struct job *find_target(const struct account *a, const char *target)
{
	static const char index[] = "index:";
	size_t n;

	if (!target)
		return NULL;
	if (strcmp(target, "oldest_unfinished") == 0) {
		for (size_t i = 0; i < a->count; i++)
			if (a->jobs[i]->status < STATUS_DONE)
				return a->jobs[i];
		return NULL;
	}
	if (strncmp(target, index, sizeof(index) - 1) != 0)
		return account_find(a, target);
	n = strtoul(target + sizeof(index) - 1, NULL, 10);
	return n < a->count ? a->jobs[a->count - 1 - n] : NULL;
}

static int create(struct mock *s, const cJSON *what)
{
	const struct spec_defaults defaults = {&s->population, &s->chance};
	const cJSON *count = get(what, "count");
	char *text = cJSON_PrintUnformatted(what);
	int times = cJSON_IsNumber(count) ? count->valueint : 1, r = 0;

	for (int i = 0; i < times && r == 0; i++) {
		struct job *job;
		const char *why;

		r = spec_create(&s->account, (struct span){text, strlen(text)}, &defaults,
			&job, &why);
	}
	free(text);
	return r;
}

int schedule_apply(struct mock *s, const cJSON *change)
{
	static const char done[] = "{\"status\":\"done\"}";
	const cJSON *what = get(change, "create");
	struct job *job;
	const char *why;

	if (what)
		return create(s, what);
	what = get(change, "finish");
	job = find_target(&s->account, cJSON_GetStringValue(what));
	if (job)
		return spec_change(
			&s->account, job, (struct span){done, sizeof(done) - 1}, &why);
	what = get(change, "delete");
	job = find_target(&s->account, cJSON_GetStringValue(what));
	if (!job)
		return -ENOENT;
	account_remove(&s->account, job);
	return 0;
}

void schedules_run(struct mock *s)
{
	struct schedules *all = &s->schedules;
	size_t kept = 0;

	all->lists++;
	for (size_t i = 0; i < all->count; i++) {
		struct schedule *one = &all->list[i];
		const cJSON *change;

		if (one->at > all->lists) {
			all->list[kept++] = *one;
			continue;
		}
		cJSON_ArrayForEach(change, one->changes)
			schedule_apply(s, change);
		cJSON_Delete(one->changes);
	}
	all->count = kept;
}
