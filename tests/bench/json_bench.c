/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "gladia/job_finder.h"
#include "json/items.h"
#include "json/pretty_print.h"

/*
 * Measures the speed of the page reader: finding, checking and printing the items of a
 * page (docs/PERFORMANCE.md). The page is like those of the API: transcripts with an
 * object for each word, without white space.
 */
enum {
	FEED = 64 << 10, /* about as much as libcurl passes on at a time */
	ITEM_MAX = 16 << 20,
	PAGE_MAX = 64 << 20,
	RUN_MS = 1000,
};

struct bench {
	struct buf page;
	struct buf printed;
	struct json_items *items;
	size_t count;
};

static void must(int err)
{
	if (err) {
		fprintf(stderr, "json_bench: %s\n", strerror(-err));
		exit(EXIT_FAILURE);
	}
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245U + 12345U;
	return *seed >> 16;
}

static void add_word(struct buf *page, unsigned *seed, double *seconds)
{
	static const char *const words[] = {" was", " an", " American", " robotic",
		" space", " program", " that", " studied", " the", " planet", " and",
		" its", " moons,", " caf\xc3\xa9", " \\\"so\\\"", " I"};
	unsigned roll = next_random(seed);
	double start = *seconds;

	*seconds += 0.05 + (roll % 400) / 1e3;
	must(buf_printf(page,
		"{\"word\":\"%s\",\"start\":%.6g,\"end\":%.6g,\"confidence\":%.3g}",
		words[roll % 16], start, *seconds, 1 - (roll >> 4) % 60 / 1e2));
}

static void add_utterance(struct buf *page, unsigned *seed, double *seconds)
{
	unsigned words = 3 + next_random(seed) % 20;

	must(buf_printf(page,
		"{\"text\":\"as well as several other bodies of the system.\","
		"\"language\":\"en\",\"start\":%.6g,\"end\":%.6g,"
		"\"confidence\":0.97,\"channel\":0,\"words\":[",
		*seconds, *seconds + words * 0.25));
	for (unsigned i = 0; i < words; i++) {
		must(buf_append_str(page, i ? "," : ""));
		add_word(page, seed, seconds);
	}
	must(buf_append_str(page, "]}"));
}

static void add_item(struct buf *page, size_t size, unsigned *seed)
{
	size_t start = page->len;
	double seconds = 0.14;

	must(buf_printf(page,
		"{\"id\":\"45463597-20b7-4af7-b3b3-%012x\",\"request_id\":\"G-45463597\","
		"\"version\":2,\"status\":\"done\",\"created_at\":\"2026-02-12T16:54:20."
		"378Z\","
		"\"custom_metadata\":null,\"result\":{\"metadata\":{\"billing_time\":36."
		"74},"
		"\"transcription\":{\"languages\":[\"en\"],\"utterances\":[",
		next_random(seed)));
	for (unsigned i = 0; page->len - start < size; i++) {
		must(buf_append_str(page, i ? "," : ""));
		add_utterance(page, seed, &seconds);
	}
	must(buf_append_str(page, "]}}}"));
}

static void make_page(struct buf *page, unsigned count, size_t size)
{
	unsigned seed = 1;

	must(buf_append_str(page, "{\"first\":\"https://api.gladia.io/v2/pre-recorded\","
				  "\"next\":null,\"items\":["));
	for (unsigned i = 0; i < count; i++) {
		must(buf_append_str(page, i ? "," : ""));
		add_item(page, size, &seed);
	}
	must(buf_append_str(page, "]}"));
}

static int on_item(void *ctx, const char *raw, size_t len, size_t offset)
{
	struct bench *bench = ctx;
	struct json_error error;
	struct job_finder finder;

	(void)offset;
	bench->count++;
	buf_reset(&bench->printed);
	job_finder_init(&finder);
	return json_print(raw, len, &bench->printed, &finder.find, &error);
}

static int only_cut(void *ctx, const char *raw, size_t len, size_t offset)
{
	struct bench *bench = ctx;

	(void)raw;
	(void)len;
	(void)offset;
	bench->count++;
	return 0;
}

static void read_page(struct bench *bench)
{
	const char *frame;
	size_t len;

	json_items_reset(bench->items);
	for (size_t at = 0; at < bench->page.len; at += FEED) {
		size_t left = bench->page.len - at;

		must(json_items_feed(
			bench->items, bench->page.data + at, left < FEED ? left : FEED));
	}
	must(json_items_finish(bench->items, &frame, &len));
}

static void run(const char *what, unsigned count, size_t size,
	int (*handler)(void *ctx, const char *raw, size_t len, size_t offset))
{
	struct json_items_handlers handlers = {.on_item = handler};
	struct bench bench = {.count = 0};
	size_t pages = 0;

	buf_init(&bench.page, PAGE_MAX);
	buf_init(&bench.printed, ITEM_MAX);
	must(json_items_new(ITEM_MAX, ITEM_MAX, &handlers, &bench, &bench.items));
	make_page(&bench.page, count, size);
	read_page(&bench);
	must(bench.count == count ? 0 : -EPROTO);

	double start = now_ms();
	double spent;

	do {
		read_page(&bench);
		pages++;
		spent = now_ms() - start;
	} while (spent < (double)RUN_MS);
	printf("%s %u x %zu kB: %.0f MB/s\n", what, count, size / 1000,
		(double)pages * (double)bench.page.len / spent / 1e3);
	json_items_free(bench.items);
	buf_done(&bench.page);
	buf_done(&bench.printed);
}

int main(void)
{
	run("page reader", 100, 20000, on_item);
	run("page reader", 20, 1700000, on_item);
	run("cutting alone", 100, 20000, only_cut);
	run("cutting alone", 20, 1700000, only_cut);
	return EXIT_SUCCESS;
}
