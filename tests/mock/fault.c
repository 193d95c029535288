/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault_kinds.h"

static void forget(struct fault *f)
{
	free(f->method);
	free(f->path);
	free(f->inside_path);
	free(f->inside_query);
	cJSON_Delete(f->action);
}

void faults_clear(struct faults *f)
{
	for (size_t i = 0; i < f->count; i++)
		forget(&f->list[i]);
	free(f->list);
	f->list = NULL;
	f->count = 0;
}

static char *copy_string(const cJSON *o, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return s ? strdup(s) : NULL;
}

static double number(const cJSON *o, const char *name, double otherwise)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(n) ? n->valuedouble : otherwise;
}

static const struct fault_kind *kind_of(const cJSON *action)
{
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(action, "kind");

	return cJSON_IsString(kind) ? fault_kind_find(kind->valuestring) : NULL;
}

int faults_add(struct faults *f, const char *json, const char **ret_why)
{
	cJSON *o = cJSON_Parse(json);
	const cJSON *match = cJSON_GetObjectItemCaseSensitive(o, "match");
	struct fault *fault;

	if (!kind_of(cJSON_GetObjectItemCaseSensitive(o, "do")) ||
		f->count == FAULTS_MAX) {
		cJSON_Delete(o);
		*ret_why = "no \"do\" of a known kind, or too many faults";
		return -EINVAL;
	}
	f->list = must_grow(f->list, f->count + 1, sizeof(*f->list));
	fault = &f->list[f->count++];
	*fault = (struct fault){
		.number = ++f->next_number,
		.method = copy_string(match, "method"),
		.path = copy_string(match, "path"),
		.inside_path = copy_string(match, "path_contains"),
		.inside_query = copy_string(match, "query_contains"),
		.min_offset = (uint64_t)number(match, "min_offset", 0),
		.skip = (uint64_t)number(o, "skip", 0),
		.times = (int64_t)number(o, "times", 1),
		.probability = number(o, "probability", 1),
		.action = cJSON_DetachItemFromObjectCaseSensitive(o, "do"),
	};
	cJSON_Delete(o);
	return (int)fault->number;
}

static bool matches(const struct fault *f, const char *method, const char *path,
	const char *query, uint64_t offset)
{
	if (f->method && strcmp(f->method, method) != 0)
		return false;
	if (f->path && strcmp(f->path, path) != 0)
		return false;
	if (f->inside_path && !strstr(path, f->inside_path))
		return false;
	if (f->inside_query && !strstr(query, f->inside_query))
		return false;
	return offset >= f->min_offset;
}

static bool strikes(struct faults *all, struct fault *f)
{
	if (f->times == 0)
		return false;
	if (f->skip) {
		f->skip--;
		return false;
	}
	if (draw(&all->chance, 1u << 30) >= f->probability * (1u << 30))
		return false;
	if (f->times > 0)
		f->times--;
	f->hits++;
	return true;
}

struct fault_action faults_take(struct faults *f, const char *method, const char *path,
	const char *query, uint64_t offset)
{
	for (size_t i = 0; i < f->count; i++) {
		struct fault *fault = &f->list[i];

		if (!matches(fault, method, path, query, offset) || !strikes(f, fault))
			continue;
		return (struct fault_action){
			.kind = kind_of(fault->action),
			.with = cJSON_Duplicate(fault->action, true),
		};
	}
	return (struct fault_action){0};
}

void fault_action_done(struct fault_action *a)
{
	cJSON_Delete(a->with);
	*a = (struct fault_action){0};
}

void faults_print(const struct faults *f, struct text *out)
{
	text_str(out, "[");
	for (size_t i = 0; i < f->count; i++) {
		const struct fault *fault = &f->list[i];
		char *action = cJSON_PrintUnformatted(fault->action);

		text_printf(out,
			"%s{\"fault\":%u,\"hits\":%" PRIu64 ",\"skip\":%" PRIu64
			",\"times\":%" PRId64 ",\"do\":%s}",
			i ? "," : "", fault->number, fault->hits, fault->skip,
			fault->times, action);
		free(action);
	}
	text_str(out, "]");
}

int64_t fault_delay(const struct fault_action *a)
{
	return a->kind && a->kind->delay ? a->kind->delay(a->with) : 0;
}

bool fault_resets(const struct fault_action *a)
{
	return a->kind && a->kind->resets;
}

bool fault_replaces(
	const struct fault_action *a, const struct modes *modes, struct exchange *x)
{
	if (!a->kind || !a->kind->replace)
		return false;
	a->kind->replace(a->with, modes, x);
	return true;
}

void fault_page(const struct fault_action *a, struct page *page, struct answer *items)
{
	if (a->kind && a->kind->page)
		a->kind->page(a->with, page, items);
}

void fault_wire(const struct fault_action *a, struct answer *answer)
{
	if (a->kind && a->kind->wire)
		a->kind->wire(a->with, answer);
}
