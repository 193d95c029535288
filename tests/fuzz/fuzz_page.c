/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "gladia/api_internal.h"

/*
 * The input is the body of an API response to a list request. It goes through json/items,
 * json/pretty_print and gladia/api_response together: all at once, byte by byte, and in
 * random pieces. The result must always be the same (SEMANTICS 4.3).
 */

/* The result of reading a page. */
struct outcome {
	int error;
	struct api_page page;
	unsigned named;
	uint64_t reported; /* hash of all reported items, in their order */
};

/* The pairs of an item become names of files and rows of the catalog. */
static void check_metadata(const struct api_item *item)
{
	struct metadata_pair pair;
	unsigned pairs = 0;
	size_t at = 0;

	HOLDS(item->metadata_len <= METADATA_TEXT_MAX);
	while (metadata_next(item->metadata, item->metadata_len, &at, &pair)) {
		char text[FILENAME_BYTES_MAX + 1];

		pairs++;
		HOLDS(!metadata_show(pair.key, pair.key_len, text));
		HOLDS(!metadata_show(pair.value, pair.value_len, text));
	}
	HOLDS(pairs <= METADATA_PAIRS_MAX);
	HOLDS(!item->metadata_len || at == item->metadata_len);
}

/*
 * SEMANTICS 4.1: a printed text is JSON and UTF-8, and printing it again changes nothing.
 */
static void check_text(const char *text, size_t size)
{
	CLEANUP(buf_done) struct buf again;
	struct json_error error;

	buf_init(&again, API_ITEM_MAX);
	HOLDS(size > 0 && text[size - 1] == '\n');
	HOLDS(fuzz_is_utf8(text, size) && !memchr(text, '\0', size));
	HOLDS(!json_print(text, size, &again, NULL, &error));
	HOLDS(again.len == size && !memcmp(again.data, text, size));
}

static int on_item(void *ctx, const struct api_item *item)
{
	struct outcome *outcome = ctx;
	char name[FILENAME_BYTES_MAX + 1];
	char id[FILENAME_BYTES_MAX + 1];

	outcome->reported = outcome->reported * 31 + !item;
	if (!item)
		return 0;
	outcome->named++;
	outcome->reported = outcome->reported * 31 + fuzz_number(item->text, item->size);
	outcome->reported = outcome->reported * 31 + item->summary;
	check_text(item->text, item->size);
	HOLDS(!filename_escape(item->job.id, FILENAME_WORD, "", name));
	HOLDS(!filename_unescape(name, strlen(name), FILENAME_WORD, id) &&
		!strcmp(id, item->job.id));
	HOLDS(item->job.status <= JOB_OTHER);
	check_metadata(item);
	return 0;
}

/*
 * Reads a page in pieces of `step` bytes. If `step` is 0, the lengths of the pieces are
 * random, with the input as the seed.
 */
static struct outcome read_page(
	struct api_scratch *scratch, const uint8_t *data, size_t size, size_t step)
{
	static const struct log log; /* logs to stderr, without debug messages */
	struct outcome outcome = {0};
	struct api_reader reader = {.scratch = scratch,
		.log = &log,
		.description = "listing jobs",
		.on_item = on_item,
		.ctx = &outcome};
	uint64_t chance = fuzz_number(data, size);

	HOLDS(!api_reader_init(&reader));
	for (size_t at = 0; !outcome.error && at < size;) {
		size_t len = step ? step : 1 + (chance >> 33) % 40;

		chance = chance * UINT64_C(6364136223846793005) + 1;
		if (len > size - at)
			len = size - at;

		CLEANUP_FREE char *piece = fuzz_text(data + at, len);

		outcome.error = api_reader_feed(&reader, piece, len);
		at += len;
	}
	if (!outcome.error)
		outcome.error = api_reader_finish(&reader, &outcome.page);
	HOLDS(!outcome.error == !reader.failure.error);
	HOLDS(!outcome.error || *reader.failure.reason);
	api_reader_done(&reader);
	return outcome;
}

static bool are_same(const struct outcome *one, const struct outcome *other)
{
	return one->error == other->error && one->reported == other->reported &&
	       one->named == other->named && one->page.items == other->page.items &&
	       one->page.last == other->page.last && one->page.next == other->page.next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_scratch scratch = {0};

	if (size > FUZZ_INPUT_MAX)
		return 0;
	buf_init(&scratch.text, API_ITEM_MAX);
	buf_init(&scratch.head, API_ITEM_MAX);
	buf_init(&scratch.metadata, METADATA_TEXT_MAX);

	struct outcome whole = read_page(&scratch, data, size, size + !size);
	struct outcome cut = read_page(&scratch, data, size, 0);
	struct outcome bytes = read_page(&scratch, data, size, 1);

	HOLDS(are_same(&whole, &cut));
	HOLDS(are_same(&whole, &bytes));
	HOLDS(whole.error || whole.named <= whole.page.items);
	buf_done(&scratch.text);
	buf_done(&scratch.head);
	buf_done(&scratch.metadata);
	return 0;
}
