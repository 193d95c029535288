/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <inttypes.h>
#include <string.h>

enum part { PART_FIRST, PART_CURRENT, PART_NEXT, PART_ITEMS, PARTS };

/* Unknown members that are similar to known ones. */
#define UNKNOWN_OPEN \
	"\r\n { \"x_total\" : {\"items\":[{\"id\":\"not-a-job\"}],\"next\":\"no\"},\n\t"
#define UNKNOWN_CLOSE \
	" , \"x_after\":[[],{},\"]}\\\"\",{\"next\":null,\"items\":[1,2]}, 1e3]\r\n}\n "

/* The orders of the mode `keys`, with the text before, between and after the members. */
static const struct layout {
	const char *open, *colon, *comma, *close;
	enum part parts[PARTS];
} layouts[] = {
	[KEYS_NORMAL] = {"{", ":", ",", "}",
		{PART_FIRST, PART_CURRENT, PART_NEXT, PART_ITEMS}},
	[KEYS_NEXT_FIRST] = {"{", ":", ",", "}",
		{PART_NEXT, PART_ITEMS, PART_FIRST, PART_CURRENT}},
	[KEYS_NEXT_LAST] = {"{", ":", ",", "}",
		{PART_ITEMS, PART_FIRST, PART_CURRENT, PART_NEXT}},
	[KEYS_UNKNOWN] = {UNKNOWN_OPEN, "\n : \t", "\t,\n", UNKNOWN_CLOSE,
		{PART_ITEMS, PART_CURRENT, PART_NEXT, PART_FIRST}},
};

static const char *const names[PARTS] = {
	"\"first\"", "\"current\"", "\"next\"", "\"items\""};

static void add_link(
	struct text *out, const struct page *p, const struct modes *m, uint64_t offset)
{
	struct text t = {0};

	switch (m->next_form) {
	case NEXT_ORIGIN:
		text_printf(&t, "%s%s", p->origin, p->path);
		break;
	case NEXT_OTHER_PATH:
		text_str(&t, "https://api.gladia.io/v2/transcription");
		break;
	case NEXT_OTHER_HOST:
		text_printf(&t, "%s%s", m->next_host, p->path);
		break;
	case NEXT_RELATIVE:
		text_str(&t, p->path);
		break;
	default:
		break;
	}
	text_printf(&t, "?%s", p->filter);
	if (m->next_query != NEXT_QUERY_NONE)
		text_printf(&t, "%soffset=%" PRIu64, *p->filter ? "&" : "", offset);
	if (m->next_query == NEXT_QUERY_BOTH)
		text_printf(&t, "&limit=%" PRIu64, p->limit);
	text_quote(out, t.p, t.n);
	text_done(&t);
}

void page_job(struct answer *out, const struct job *job, bool summary)
{
	struct text scratch = {0};
	struct body b = account_text(job, &scratch);

	if (!summary || b.cut_to == b.cut_from) {
		if (scratch.p)
			answer_take(out, &scratch);
		else
			answer_part(out, b.p, b.n);
		return;
	}
	if (scratch.p) {
		memmove(scratch.p + b.cut_from, scratch.p + b.cut_to, b.n - b.cut_to);
		scratch.n -= b.cut_to - b.cut_from;
		answer_take(out, &scratch);
		return;
	}
	answer_part(out, b.p, b.cut_from);
	answer_part(out, b.p + b.cut_to, b.n - b.cut_to);
}

/* Adds a job with a member that it does not have by itself. */
static void add_other_job(struct answer *out, const struct job *job)
{
	struct text scratch = {0};
	struct body b = account_text(job, &scratch);
	size_t n = b.n;
	struct text t = {0};

	while (n && b.p[n - 1] != '}')
		n--;
	text_add(&t, b.p, n - 1);
	text_str(&t, ",\"listed\":true}");
	answer_take(out, &t);
	text_done(&scratch);
}

static void add_items(struct answer *out, const struct page *p, const struct modes *m,
	const char *comma)
{
	if (p->items->count) {
		answer_append(out, p->items);
		return;
	}
	answer_literal(out, "[");
	for (size_t i = 0; i < p->count; i++) {
		if (i)
			answer_literal(out, comma);
		if (m->items == ITEMS_OTHER)
			add_other_job(out, p->jobs[i]);
		else
			page_job(out, p->jobs[i], m->items == ITEMS_SUMMARY);
	}
	answer_literal(out, "]");
}

void page_write(struct answer *out, const struct page *p, const struct modes *m)
{
	const struct layout *layout = &layouts[m->keys];
	const uint64_t offsets[] = {
		0, p->offset, m->next_stuck ? p->offset : p->offset + p->limit};
	const char *comma = "";
	struct text t = {0};

	text_str(&t, layout->open);
	for (int i = 0; i < PARTS; i++) {
		enum part part = layout->parts[i];
		const char *name = names[part];

		if (part == PART_NEXT && m->next_name == NEXT_NAME_MISSING)
			continue;
		if (part == PART_NEXT && m->next_name == NEXT_NAME_OTHER)
			name = "\"next_page\"";
		text_printf(&t, "%s%s%s", comma, name, layout->colon);
		comma = layout->comma;
		if (part == PART_ITEMS) {
			answer_take(out, &t);
			add_items(out, p, m, layout->comma);
		} else if (part == PART_NEXT && !p->more) {
			text_str(&t, "null");
		} else {
			add_link(&t, p, m, offsets[part]);
		}
	}
	text_str(&t, layout->close);
	answer_take(out, &t);
}
