/* SPDX-License-Identifier: MIT */
#include "reqlog.h"
#include "base/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "timestamp.h"

void reqlog_init(struct reqlog *l, FILE *file)
{
	*l = (struct reqlog){
		.first = 1, .last = 1, .file = file, .started = timestamp_ticks()};
	l->entries = must_alloc(REQLOG_MAX * sizeof(*l->entries));
}

void reqlog_done(struct reqlog *l)
{
	reqlog_clear(l);
	free(l->entries);
	if (l->file)
		fclose(l->file);
}

static struct log_entry *entry(const struct reqlog *l, uint64_t n)
{
	return n >= l->first && n < l->last ? &l->entries[n % REQLOG_MAX] : NULL;
}

static void forget_first(struct reqlog *l)
{
	struct log_entry *e = entry(l, l->first);

	l->first++;
	free(e->fields);
	e->fields = NULL;
}

uint64_t reqlog_begin(struct reqlog *l, struct text *fields)
{
	uint64_t n = l->last;

	if (n - l->first == REQLOG_MAX)
		forget_first(l);
	l->last++;
	*entry(l, n) = (struct log_entry){
		.n = n,
		.t_ms = timestamp_ticks() - l->started,
		.fields = fields->p,
	};
	*fields = (struct text){0};
	l->counters.requests++;
	if (++l->counters.in_flight > l->counters.max_in_flight)
		l->counters.max_in_flight = l->counters.in_flight;
	return n;
}

void reqlog_answer(struct reqlog *l, uint64_t n, unsigned status, uint64_t bytes)
{
	struct log_entry *e = entry(l, n);

	if (!e)
		return;
	e->status = status;
	e->bytes = bytes;
}

static void print_entry(const struct log_entry *e, struct text *out)
{
	text_printf(out,
		"{\"n\":%" PRIu64 ",\"t_ms\":%" PRId64 ",\"status\":%u,\"bytes\":%" PRIu64
		",",
		e->n, e->t_ms, e->status, e->bytes);
	text_str(out, e->fields);
	text_str(out, "}");
}

void reqlog_end(struct reqlog *l, uint64_t n)
{
	const struct log_entry *e = entry(l, n);
	struct text line = {0};

	l->counters.in_flight--;
	if (!e)
		return;
	l->counters.bytes_out += e->bytes;
	if (!l->file)
		return;
	print_entry(e, &line);
	text_str(&line, "\n");
	fwrite(line.p, 1, line.n, l->file);
	fflush(l->file);
	text_done(&line);
}

void reqlog_clear(struct reqlog *l)
{
	while (l->first < l->last)
		forget_first(l);
}

void reqlog_reset(struct reqlog *l)
{
	struct counters old = l->counters;

	l->counters = (struct counters){
		.in_flight = old.in_flight,
		.max_in_flight = old.in_flight,
		.connections = old.connections,
	};
}

void reqlog_print(const struct reqlog *l, struct text *out)
{
	text_str(out, "[");
	for (uint64_t n = l->first; n < l->last; n++) {
		text_str(out, n > l->first ? ",\n" : "\n");
		print_entry(entry(l, n), out);
	}
	text_str(out, "]\n");
}

void reqlog_print_counters(const struct reqlog *l, struct text *out)
{
	const struct counters *c = &l->counters;
	const struct {
		const char *name;
		uint64_t n;
	} list[] = {
		{"requests", c->requests},
		{"list_requests", c->list_requests},
		{"get_requests", c->get_requests},
		{"delete_requests", c->delete_requests},
		{"in_flight", c->in_flight},
		{"max_in_flight", c->max_in_flight},
		{"connections", c->connections},
		{"bytes_out", c->bytes_out},
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		text_printf(
			out, "%s\"%s\":%" PRIu64, i ? "," : "{", list[i].name, list[i].n);
	text_str(out, "}");
}

bool reqlog_reached(const struct reqlog *l, const struct wait_for *w)
{
	const struct counters *c = &l->counters;

	if (w->in_flight != UINT64_MAX && c->in_flight < w->in_flight)
		return false;
	if (w->requests != UINT64_MAX && c->requests < w->requests)
		return false;
	return c->in_flight <= w->in_flight_at_most;
}
