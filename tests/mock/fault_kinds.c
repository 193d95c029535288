/* SPDX-License-Identifier: MIT */
#include "fault_kinds.h"
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "mock.h"
#include "page.h"
#include "render.h"

#define BLOCK ((uint64_t)1 << 16)

static const cJSON *get(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static uint64_t number(const cJSON *with, const char *name, uint64_t otherwise)
{
	const cJSON *n = get(with, name);

	return cJSON_IsNumber(n) && n->valuedouble >= 0 ? (uint64_t)n->valuedouble
							: otherwise;
}

/* Adds the body from a rule: a string verbatim, any other value as JSON. */
static void add_given(struct answer *a, const cJSON *given)
{
	struct text t = {0};
	char *json;

	if (cJSON_IsString(given)) {
		text_str(&t, given->valuestring);
	} else {
		json = cJSON_PrintUnformatted(given);
		text_str(&t, json);
		free(json);
	}
	answer_take(a, &t);
}

/* Adds n times the same character, without n bytes of memory. */
static void add_filling(struct answer *a, char c, uint64_t n)
{
	uint64_t block = n < BLOCK ? n : BLOCK;
	struct text t = {0};
	const char *p;

	memset(text_room(&t, block), c, block);
	t.n = block;
	p = t.p;
	answer_take(a, &t);
	for (uint64_t done = block; done < n; done += block)
		answer_part(a, p, n - done < block ? n - done : block);
}

static int64_t delay_latency(const cJSON *with)
{
	return (int64_t)number(with, "ms", 0);
}

static int64_t delay_stall(const cJSON *with)
{
	(void)with;
	return -1;
}

static void replace_status(
	const cJSON *with, const struct modes *modes, struct exchange *x)
{
	unsigned status = (unsigned)number(with, "status", 500);
	const cJSON *header;

	if (get(with, "body")) {
		answer_init(&x->answer, status);
		add_given(&x->answer, get(with, "body"));
	} else {
		api_error(x, status, "the mock server fails as requested", NULL);
	}
	cJSON_ArrayForEach(header, get(with, "headers"))
		if (cJSON_IsString(header))
			answer_header(&x->answer, header->string, header->valuestring);
	if ((status == 429 || status == 503) && !get(with, "headers"))
		api_retry_after(modes, &x->answer);
}

static void replace_html(const cJSON *with, const struct modes *modes, struct exchange *x)
{
	(void)with;
	(void)modes;
	answer_init(&x->answer, 200);
	answer_header(&x->answer, "Content-Type", "text/html");
	answer_literal(&x->answer,
		"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n"
		"<body><h1>Welcome to the hotel's network</h1></body></html>\n");
}

static void replace_empty(
	const cJSON *with, const struct modes *modes, struct exchange *x)
{
	(void)with;
	(void)modes;
	answer_init(&x->answer, 200);
}

static void replace_verbatim(
	const cJSON *with, const struct modes *modes, struct exchange *x)
{
	const cJSON *body = get(with, "body") ? get(with, "body") : get(with, "page");

	(void)modes;
	answer_init(&x->answer, 200);
	if (body)
		add_given(&x->answer, body);
	else
		answer_literal(&x->answer, "{\"first\":\"\",\"items\":[{\"id\":]}");
}

static void replace_redirect(
	const cJSON *with, const struct modes *modes, struct exchange *x)
{
	const char *location = cJSON_GetStringValue(get(with, "location"));

	(void)modes;
	answer_init(&x->answer, (unsigned)number(with, "status", 302));
	answer_header(&x->answer, "Location",
		location ? location : "https://elsewhere.invalid/");
}

static void page_deep(const cJSON *with, struct page *page, struct answer *items)
{
	uint64_t depth = number(with, "depth", 100000);

	(void)page;
	add_filling(items, '[', depth);
	add_filling(items, ']', depth);
}

static void page_huge_string(const cJSON *with, struct page *page, struct answer *items)
{
	(void)page;
	answer_literal(items,
		"[{\"id\":\"00000000-0000-4000-8000-000000000000\","
		"\"request_id\":\"G-00000000\",\"version\":2,\"status\":\"done\","
		"\"created_at\":\"2026-04-01T00:00:00.000Z\","
		"\"completed_at\":\"2026-04-01T00:00:01.000Z\","
		"\"custom_metadata\":null,\"error_code\":null,\"kind\":\"pre-recorded\","
		"\"file\":null,\"request_params\":null,"
		"\"result\":{\"transcription\":{\"full_transcript\":\"");
	add_filling(items, 'a', number(with, "bytes", 1 << 20));
	answer_literal(items, "\",\"languages\":[],\"utterances\":[]}}}]");
}

static void page_drop_item(const cJSON *with, struct page *page, struct answer *items)
{
	uint64_t index = number(with, "index", 0);

	(void)items;
	if (index >= page->count)
		return;
	page->count--;
	memmove(&page->jobs[index], &page->jobs[index + 1],
		(page->count - index) * sizeof(*page->jobs));
}

static void page_items_null(const cJSON *with, struct page *page, struct answer *items)
{
	(void)with;
	(void)page;
	answer_literal(items, "null");
}

static void page_items_numbers(const cJSON *with, struct page *page, struct answer *items)
{
	(void)with;
	(void)page;
	answer_literal(items, "[1,2.5,-3e7,9007199254740993]");
}

static void page_huge(const cJSON *with, struct page *page, struct answer *items)
{
	uint64_t count = number(with, "items", 20);

	answer_literal(items, "[");
	for (uint64_t i = 0; i < count; i++) {
		char id[ID_SIZE];
		struct job job = {
			.id = id,
			.seed = stir(page->offset + i + 1),
			.status = STATUS_DONE,
			.bytes = (uint32_t)number(with, "bytes", 1700000),
			.created = 1775000000000 - (int64_t)(page->offset + i) * 60000,
		};
		struct text body = {0};

		job.completed = job.created + 30000;
		render_id(job.seed, id);
		generate_text(&job, &body);
		if (i)
			answer_literal(items, ",");
		answer_take(items, &body);
	}
	answer_literal(items, "]");
}

static void wire_reset_after(const cJSON *with, struct answer *a)
{
	a->wire.limit = number(with, "bytes", 0);
	a->wire.end = WIRE_RESET;
}

static void wire_truncate(const cJSON *with, struct answer *a)
{
	const char *declare = cJSON_GetStringValue(get(with, "declare"));

	a->wire.limit = number(with, "bytes", a->total / 2);
	a->wire.end = WIRE_CLOSE;
	if (declare && strcmp(declare, "chunked") == 0)
		a->wire.declared = WIRE_CHUNKED;
}

static void wire_truncate_valid(const cJSON *with, struct answer *a)
{
	answer_cut(a, number(with, "bytes", a->total / 2));
}

static void wire_stall_after(const cJSON *with, struct answer *a)
{
	a->wire.limit = number(with, "bytes", 0);
	a->wire.end = WIRE_STALL;
}

static void wire_drip(const cJSON *with, struct answer *a)
{
	a->wire.rate = number(with, "bytes_per_second", 1000);
}

/*
 * If the declared length is too large, the client waits for the rest. If it is too small,
 * the rest is sent as well.
 */
static void wire_wrong_length(const cJSON *with, struct answer *a)
{
	const cJSON *n = get(with, "delta");
	int64_t delta = cJSON_IsNumber(n) ? (int64_t)n->valuedouble : 10;

	if (delta < 0 && (uint64_t)-delta > a->total)
		delta = -(int64_t)a->total;
	a->wire.declared = (int64_t)a->total + delta;
	if (delta > 0) {
		a->wire.limit = a->total;
		a->wire.end = WIRE_STALL;
	} else {
		a->wire.spill = (uint64_t)-delta;
	}
}

static void wire_bad_gzip(const cJSON *with, struct answer *a)
{
	(void)with;
	answer_header(a, "Content-Encoding", "gzip");
}

static const struct fault_kind kinds[] = {
	{.name = "status", .replace = replace_status},
	{.name = "latency", .delay = delay_latency},
	{.name = "reset", .resets = true},
	{.name = "reset_after", .wire = wire_reset_after},
	{.name = "truncate", .wire = wire_truncate},
	{.name = "truncate_valid", .wire = wire_truncate_valid},
	{.name = "stall", .delay = delay_stall},
	{.name = "stall_after", .wire = wire_stall_after},
	{.name = "drip", .wire = wire_drip},
	{.name = "html", .replace = replace_html},
	{.name = "empty", .replace = replace_empty},
	{.name = "bad_json", .replace = replace_verbatim},
	{.name = "wrong_length", .wire = wire_wrong_length},
	{.name = "bad_gzip", .wire = wire_bad_gzip},
	{.name = "redirect", .replace = replace_redirect},
	{.name = "page", .replace = replace_verbatim},
	{.name = "deep", .page = page_deep},
	{.name = "huge_string", .page = page_huge_string},
	{.name = "drop_item", .page = page_drop_item},
	{.name = "items_null", .page = page_items_null},
	{.name = "items_numbers", .page = page_items_numbers},
	{.name = "huge_page", .page = page_huge},
};

const struct fault_kind *fault_kind_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

void fault_kinds_print(struct text *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		text_printf(out, "%s\"%s\"", i ? "," : "[", kinds[i].name);
	text_str(out, "]");
}
