/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "gladia/metadata.h"
#include "gladia/timestamp.h"
#include "json/pretty_print.h"

/*
 * The input's lines are names from the kernel or the API, and timestamps
 * (SEMANTICS 3.1 and 3.6). The part after the first empty line is a value of
 * custom_metadata.
 */

/*
 * A file name is never hidden, never leaves its directory, and encodes only one string.
 */
static void check_name(const char *name)
{
	HOLDS(*name && *name != '.' && !strchr(name, '/'));
	HOLDS(strlen(name) <= FILENAME_BYTES_MAX);
	for (const char *c = name; *c; c++)
		HOLDS((unsigned char)*c >= ' ' && *c != 0x7f && *c != ',');
}

static void read_name(const char *text, size_t len)
{
	char name[FILENAME_BYTES_MAX + 1];
	char back[FILENAME_BYTES_MAX + 1];

	if (!filename_unescape(text, len, FILENAME_WORD, back)) {
		HOLDS(!filename_escape(back, FILENAME_WORD, "", name));
		HOLDS(strlen(name) == len && !memcmp(name, text, len));
		check_name(name);
	}
	if (!filename_escape(text, FILENAME_WORD, "", name)) {
		check_name(name);
		HOLDS(!filename_unescape(name, strlen(name), FILENAME_WORD, back));
		HOLDS(!strcmp(back, text));
	}
	if (filename_is_uuid(text))
		HOLDS(!filename_escape(text, FILENAME_WORD, ".json", name) &&
			strlen(name) == strlen(text) + 5);
}

static void read_timestamp(const char *text)
{
	char instant[TIMESTAMP_TEXT];
	char printed[DAY_TEXT];
	int64_t day, end, ms, again;

	if (!date_parse(text, &day, &end)) {
		day_print(day, printed);
		HOLDS(!strncmp(printed, text, strlen(text)));
		HOLDS(end > day && end <= day + 366);
		HOLDS(day_of_timestamp(day * DAY_MS) == day);
		HOLDS(day_of_timestamp(day * DAY_MS - 1) == day - 1);
		HOLDS(strlen(text) < DAY_TEXT - 1 ||
			(!timestamp_parse(text, &ms) && ms == day * DAY_MS));
	}
	if (!timestamp_parse(text, &ms)) {
		timestamp_print(ms, instant);
		HOLDS(!timestamp_parse(instant, &again) && again == ms);
		day = day_of_timestamp(ms);
		HOLDS(ms >= day * DAY_MS && ms < (day + 1) * DAY_MS);
	}
}

/* A job passes the filter made from any of its own pairs. */
static void check_pairs(const char *text, size_t len)
{
	struct metadata_pair pair;
	size_t at = 0;

	while (metadata_next(text, len, &at, &pair)) {
		char filters[METADATA_FILTER_MAX] = "";
		char key[FILENAME_BYTES_MAX + 1];
		char value[FILENAME_BYTES_MAX + 1];

		HOLDS(!metadata_show(pair.key, pair.key_len, key));
		HOLDS(!metadata_show(pair.value, pair.value_len, value));
		check_name(key);
		check_name(value);
		HOLDS(!metadata_add_key(filters, key));
		HOLDS(metadata_matches(filters, text, len));
		HOLDS(!metadata_add_values(filters, value));
		HOLDS(metadata_matches(filters, text, len));
	}
}

static void read_metadata(struct fuzz_rest rest)
{
	CLEANUP_FREE char *json = fuzz_text(rest.data, rest.size);
	CLEANUP(buf_done) struct buf text;
	struct json_error error;

	buf_init(&text, METADATA_TEXT_MAX);
	/* A JSON slice never begins with white space. */
	if (!rest.size || strchr(" \t\r\n", *json) || json_check(json, rest.size, &error))
		return;
	HOLDS(!metadata_flatten((struct json_slice){json, json + rest.size}, &text));
	check_pairs(text.data, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rest rest = {data, size};
	struct fuzz_rest line;

	if (size > FUZZ_INPUT_MAX)
		return 0;
	while (fuzz_line(&rest, &line) && line.size) {
		CLEANUP_FREE char *text = fuzz_text(line.data, line.size);

		read_name(text, line.size);
		read_timestamp(text);
	}
	read_metadata(rest);
	return 0;
}
