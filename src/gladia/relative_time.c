/* SPDX-License-Identifier: MIT */
#include "gladia/relative_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "gladia/timestamp.h"

enum { MINUTE_MS = 60 * 1000 };

static const struct {
	char name;
	int64_t ms;
} units[] = {
	{'m', MINUTE_MS},
	{'h', 60 * MINUTE_MS},
	{'d', DAY_MS},
	{'w', INT64_C(7) * DAY_MS},
};

static bool relative_day(
	enum zone zone, const char *word, int64_t now_ms, char text[static DAY_TEXT])
{
	bool yesterday = strcmp(word, "yesterday") == 0;

	if (!yesterday && strcmp(word, "today") != 0)
		return false;
	day_print(zone_day(zone, now_ms) - yesterday, text);
	return true;
}

/* Parses "7d". Returns false if it has another form. */
static bool relative_age(const char *word, int64_t *ret_ms)
{
	enum { DIGITS_MAX = 6 };
	size_t digits = strspn(word, "0123456789");
	int64_t number = 0;

	if (!digits || digits > DIGITS_MAX || strlen(word) != digits + 1)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (word[i] - '0');
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].name != word[digits])
			continue;
		*ret_ms = number * units[i].ms;
		return true;
	}
	return false;
}

/* Prints "YYYY-MM-DDTHH:MMZ", or returns false if the word does not mean a time. */
static bool relative_minute(
	const char *word, int64_t now_ms, char text[static TIMESTAMP_TEXT])
{
	enum { MINUTE_LEN = 16 }; /* without the seconds */
	int64_t age_ms;

	if (!relative_age(word, &age_ms))
		return false;
	timestamp_print(now_ms - age_ms, text);
	strcpy(text + MINUTE_LEN, "Z");
	return true;
}

int relative_time_print(enum zone zone, enum query_filter filter, const char *words,
	int64_t now_ms, char ret_words[static FILENAME_BYTES_MAX + 1])
{
	bool has_times = filter == QUERY_AFTER || filter == QUERY_BEFORE;
	char printed[FILENAME_BYTES_MAX + 1];
	char word[FILENAME_BYTES_MAX + 1];
	bool relative = false;
	size_t len = 0;

	if (!has_times && filter != QUERY_DATE)
		return -ENOENT;
	while (filename_next_word(&words, word)) {
		char time[TIMESTAMP_TEXT];
		bool is_day = relative_day(zone, word, now_ms, time);
		bool is_time = !is_day && has_times &&
			       relative_minute(word, now_ms, time);

		relative = relative || is_day || is_time;
		len += (size_t)snprintf(printed + len, sizeof(printed) - len, "%s%s",
			len ? "," : "", is_day || is_time ? time : word);
		if (len >= sizeof(printed))
			return -ENOENT;
	}
	if (!relative)
		return -ENOENT;
	strcpy(ret_words, printed);
	return 0;
}
