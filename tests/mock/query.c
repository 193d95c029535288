/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "listing.h"
#include "timestamp.h"

/* A decoded parameter of the query. */
struct param {
	char *name, *value;
};

typedef void (*param_fn)(
	struct query *q, const struct param *p, const struct modes *modes);

static void complain(struct query *q, const char *complaint)
{
	if (q->errors.n)
		text_str(&q->errors, ",");
	text_quote(&q->errors, complaint, strlen(complaint));
}

int query_number(const char *s, uint64_t *ret_n)
{
	size_t digits = strspn(s, "0123456789");

	if (digits == 0 || digits > 15 || s[digits])
		return -EINVAL;
	*ret_n = strtoull(s, NULL, 10);
	return 0;
}

static void take_offset(struct query *q, const struct param *p, const struct modes *modes)
{
	(void)modes;
	if (query_number(p->value, &q->offset) < 0)
		complain(q, "offset must be an integer number not less than 0");
}

static void take_limit(struct query *q, const struct param *p, const struct modes *modes)
{
	(void)modes;
	if (query_number(p->value, &q->limit) < 0 || q->limit < 1)
		complain(q, "limit must be an integer number not less than 1");
}

static void take_status(struct query *q, const struct param *p, const struct modes *modes)
{
	enum status status;

	(void)modes;
	if (status_parse(p->value, &status) < 0)
		complain(q, "each value in status must be one of: "
			    "queued, processing, done, error");
	else
		q->statuses |= 1u << status;
}

static void narrow(struct query *q, int64_t from, int64_t until)
{
	if (from > q->from)
		q->from = from;
	if (until < q->until)
		q->until = until;
}

static void take_date(struct query *q, const struct param *p, const struct modes *modes)
{
	int64_t ms;

	if (timestamp_parse(p->value, &ms) < 0) {
		complain(q, "date must be a valid ISO 8601 date string");
		return;
	}
	ms -= ms % DAY_MS + modes->date_zone;
	narrow(q, ms, ms + DAY_MS);
}

static void take_before(struct query *q, const struct param *p, const struct modes *modes)
{
	int64_t ms;

	if (timestamp_parse(p->value, &ms) < 0)
		complain(q, "before_date must be a valid ISO 8601 date string");
	else
		narrow(q, INT64_MIN, ms + modes->before_inclusive);
}

static void take_after(struct query *q, const struct param *p, const struct modes *modes)
{
	int64_t ms;

	if (timestamp_parse(p->value, &ms) < 0)
		complain(q, "after_date must be a valid ISO 8601 date string");
	else
		narrow(q, ms + !modes->after_inclusive, INT64_MAX);
}

static void take_json(struct query *q, const struct param *p, const struct modes *modes)
{
	cJSON *tree;

	q->nothing = modes->metadata == METADATA_EMPTY;
	q->exact = modes->metadata == METADATA_EXACT;
	if (modes->metadata == METADATA_400 || modes->metadata == METADATA_422) {
		complain(q, "property custom_metadata should not exist");
		q->unprocessable = modes->metadata == METADATA_422;
	}
	if (modes->metadata != METADATA_JSON && !q->exact)
		return;
	tree = cJSON_Parse(p->value);
	if (!cJSON_IsObject(tree)) {
		cJSON_Delete(tree);
		complain(q, "custom_metadata must be an object");
		return;
	}
	cJSON_Delete(q->metadata);
	q->metadata = tree;
}

/* Parses custom_metadata[a][b]=value; `name` is at the first bracket. */
static void take_brackets(struct query *q, const struct param *p, char *name)
{
	cJSON *at;

	if (!q->metadata)
		q->metadata = cJSON_CreateObject();
	q->loose = true;
	at = q->metadata;
	while (*name == '[') {
		char *close = strchr(name, ']');
		cJSON *next;

		if (!close)
			break;
		*close = 0;
		if (close[1] != '[') {
			cJSON_AddStringToObject(at, name + 1, p->value);
			return;
		}
		next = cJSON_GetObjectItemCaseSensitive(at, name + 1);
		at = next ? next : cJSON_AddObjectToObject(at, name + 1);
		name = close + 1;
	}
	complain(q, "custom_metadata must be an object");
}

static const struct {
	const char *name;
	param_fn take;
} params[] = {
	{"offset", take_offset},
	{"limit", take_limit},
	{"status", take_status},
	{"status[]", take_status},
	{"date", take_date},
	{"before_date", take_before},
	{"after_date", take_after},
	{"custom_metadata", take_json},
};

static void take_param(struct query *q, const struct param *p, const struct modes *modes)
{
	static const char brackets[] = "custom_metadata[";

	if (modes->dates_ignored && strstr(p->name, "date"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(params); i++)
		if (strcmp(p->name, params[i].name) == 0)
			params[i].take(q, p, modes);
	if (modes->metadata == METADATA_BRACKETS &&
		strncmp(p->name, brackets, sizeof(brackets) - 1) == 0)
		take_brackets(q, p, p->name + sizeof(brackets) - 2);
}

static bool is_paging(const char *name)
{
	return strcmp(name, "offset") == 0 || strcmp(name, "limit") == 0;
}

void query_parse(struct query *q, const char *query, const struct modes *modes)
{
	*q = (struct query){
		.limit = (uint64_t)modes->default_limit,
		.from = INT64_MIN,
		.until = INT64_MAX,
	};
	while (*query) {
		size_t n = strcspn(query, "&");
		const char *equals = memchr(query, '=', n);
		size_t name = equals ? (size_t)(equals - query) : n;
		struct param p = {.name = text_unescape(query, name, true)};

		p.value = equals ? text_unescape(equals + 1, n - name - 1, true)
				 : strdup("");
		if (n && !is_paging(p.name)) {
			if (q->filter.n)
				text_str(&q->filter, "&");
			text_add(&q->filter, query, n);
		}
		take_param(q, &p, modes);
		free(p.name);
		free(p.value);
		query += n + (query[n] == '&');
	}
}

void query_done(struct query *q)
{
	cJSON_Delete(q->metadata);
	text_done(&q->filter);
	text_done(&q->errors);
}
