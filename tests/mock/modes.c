/* SPDX-License-Identifier: MIT */
#include "modes.h"
#include "base/array.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timestamp.h"

#define CHOICES 8

enum kind { KIND_CHOICE, KIND_NUMBER, KIND_ZONE, KIND_NEXT, KIND_STRING };

struct mode {
	const char *name;
	enum kind kind;
	size_t at; /* offset in struct modes */
	const char *choices[CHOICES];
};

#define AT(member) offsetof(struct modes, member)

static const struct mode table[] = {
	{"items", KIND_CHOICE, AT(items), {"whole", "summary", "other"}},
	{"limit_max", KIND_NUMBER, AT(limit_max), {0}},
	{"limit_over", KIND_CHOICE, AT(limit_over), {"cap", "400", "422"}},
	{"default_limit", KIND_NUMBER, AT(default_limit), {0}},
	{"order", KIND_CHOICE, AT(order), {"newest", "oldest", "unsorted"}},
	{"last_next", KIND_CHOICE, AT(last_next), {"null", "set"}},
	{"past_end", KIND_CHOICE, AT(past_end), {"empty", "404"}},
	{"metadata", KIND_CHOICE, AT(metadata),
		{"json", "brackets", "ignored", "exact", "empty", "400", "422"}},
	{"dates", KIND_CHOICE, AT(dates_ignored), {"used", "ignored"}},
	{"date_zone", KIND_ZONE, AT(date_zone), {0}},
	{"before", KIND_CHOICE, AT(before_inclusive), {"exclusive", "inclusive"}},
	{"after", KIND_CHOICE, AT(after_inclusive), {"exclusive", "inclusive"}},
	{"next_form", KIND_NEXT, AT(next_form),
		{"origin", "other_path", "relative", "query"}},
	{"next_query", KIND_CHOICE, AT(next_query), {"both", "offset", "none"}},
	{"next_stuck", KIND_CHOICE, AT(next_stuck), {"0", "1"}},
	{"next_name", KIND_CHOICE, AT(next_name), {"next", "next_page", "missing"}},
	{"filter", KIND_CHOICE, AT(filter), {"before_cut", "after_cut"}},
	{"retry_after", KIND_CHOICE, AT(retry_after), {"seconds", "date", "absent"}},
	{"retry_after_s", KIND_NUMBER, AT(retry_after_s), {0}},
	{"gzip", KIND_CHOICE, AT(gzip), {"0", "1"}},
	{"framing", KIND_CHOICE, AT(chunked), {"length", "chunked"}},
	{"keys", KIND_CHOICE, AT(keys),
		{"normal", "next_first", "next_last", "items_first_unknown"}},
	{"pretty", KIND_CHOICE, AT(pretty), {"0", "1"}},
	{"latency_ms", KIND_NUMBER, AT(latency_ms), {0}},
	{"key", KIND_STRING, AT(key), {0}},
};

#define MODES (ARRAY_SIZE(table))

static const char other_host[] = "other_host:";

static int64_t *number_at(struct modes *m, const struct mode *mode)
{
	return (int64_t *)(void *)((char *)m + mode->at);
}

static int64_t value_of(const struct modes *m, const struct mode *mode)
{
	int64_t n;

	memcpy(&n, (const char *)m + mode->at, sizeof(n));
	return n;
}

void modes_init(struct modes *m)
{
	*m = (struct modes){.default_limit = 20, .retry_after_s = 1};
	strcpy(m->key, "mock-key");
}

static int set_string(char *to, const char *value)
{
	size_t n = strlen(value);

	if (n >= MODE_STRING)
		return -EINVAL;
	memcpy(to, value, n + 1);
	return 0;
}

static int set_choice(struct modes *m, const struct mode *mode, const char *value)
{
	for (size_t i = 0; i < CHOICES && mode->choices[i]; i++) {
		if (strcmp(mode->choices[i], value) == 0) {
			*number_at(m, mode) = (int64_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_number(int64_t *to, const char *value)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(value, &end, 10);
	if (errno || end == value || *end || n < 0)
		return -EINVAL;
	*to = n;
	return 0;
}

static int set_next(struct modes *m, const struct mode *mode, const char *value)
{
	size_t prefix = sizeof(other_host) - 1;
	int r;

	if (strncmp(value, other_host, prefix) != 0)
		return set_choice(m, mode, value);
	r = set_string(m->next_host, value + prefix);
	if (r == 0)
		m->next_form = NEXT_OTHER_HOST;
	return r;
}

static int set_one(struct modes *m, const struct mode *mode, const char *value)
{
	switch (mode->kind) {
	case KIND_CHOICE:
		return set_choice(m, mode, value);
	case KIND_NUMBER:
		return set_number(number_at(m, mode), value);
	case KIND_ZONE:
		return timestamp_parse_zone(value, number_at(m, mode));
	case KIND_NEXT:
		return set_next(m, mode, value);
	case KIND_STRING:
		return set_string((char *)m + mode->at, value);
	}
	return -EINVAL;
}

int modes_set(struct modes *m, const char *name, const char *value)
{
	for (size_t i = 0; i < MODES; i++)
		if (strcmp(table[i].name, name) == 0)
			return set_one(m, &table[i], value);
	return -ENOENT;
}

static void print_value(const struct modes *m, const struct mode *mode, struct text *out)
{
	int64_t n = mode->kind == KIND_STRING ? 0 : value_of(m, mode);
	int64_t minutes = (n < 0 ? -n : n) / 60000;

	switch (mode->kind) {
	case KIND_NEXT:
		if (n == NEXT_OTHER_HOST) {
			text_printf(out, "%s%s", other_host, m->next_host);
			break;
		}
		/* fallthrough */
	case KIND_CHOICE:
		text_str(out, mode->choices[n]);
		break;
	case KIND_NUMBER:
		text_printf(out, "%" PRId64, n);
		break;
	case KIND_ZONE:
		text_printf(out, "%c%02" PRId64 ":%02" PRId64, n < 0 ? '-' : '+',
			minutes / 60, minutes % 60);
		break;
	case KIND_STRING:
		text_str(out, (const char *)m + mode->at);
		break;
	}
}

void modes_print(const struct modes *m, struct text *out)
{
	for (size_t i = 0; i < MODES; i++) {
		struct text value = {0};

		print_value(m, &table[i], &value);
		text_printf(out, "%s\"%s\":", i ? "," : "{", table[i].name);
		text_quote(out, value.p ? value.p : "", value.n);
		text_done(&value);
	}
	text_str(out, "}");
}
