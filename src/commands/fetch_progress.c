/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --fetch: formats and prints the progress report.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "fetch_progress.h"
#include "gladia/timestamp.h"

enum {
	LINE_MS = 60 * 1000, /* interval between lines, if there is no bar */
	BAR_MS = 100,        /* interval between updates of the bar */
	WIDTH_DEFAULT = 80,  /* columns, if the terminal does not report its width */
	WIDTH_MAX = 200,
	BAR_MAX = 30, /* columns of the bar itself */
	BAR_MIN = 5,
	TEXT_MAX = 512,
	RATE_MS = 10 * 1000, /* the rate is averaged over about this time */
};

/* True if stderr is a terminal that can overwrite a line. */
static bool progress_is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void fetch_progress_begin(struct fetch_progress *progress, int64_t now_ms)
{
	*progress = (struct fetch_progress){
		.bar = progress_is_terminal(), .began_ms = now_ms, .reported_ms = now_ms};
}

int fetch_time_print(int64_t ms, struct buf *out)
{
	int64_t seconds = (ms + 999) / 1000;
	int minute = (int)(seconds / 60 % 60);

	if (seconds >= 60 * 60)
		return buf_printf(out, "%" PRId64 ":%02d:%02d", seconds / 3600, minute,
			(int)(seconds % 60));
	return buf_printf(out, "%d:%02d", minute, (int)(seconds % 60));
}

static int progress_print_bytes(uint64_t bytes, struct buf *out)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double number = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000)
		return buf_printf(out, "%" PRIu64 " bytes", bytes);
	while (number >= 999.95 && unit < ARRAY_SIZE(units) - 1) {
		number /= 1000;
		unit++;
	}
	return buf_printf(out, "%.1f %s", number, units[unit]);
}

static int progress_print_rate(
	const struct fetch_counts *counts, double rate, struct buf *out)
{
	uint64_t left = counts->found - counts->done - counts->failed;
	int err = buf_printf(out, ", %.0f/s", rate);

	/* While jobs are still being found, we cannot estimate the remaining time. */
	if (err || !counts->listed || rate < 0.01)
		return err;
	err = buf_append_str(out, ", ");
	if (!err)
		err = fetch_time_print((int64_t)((double)left / rate * 1000), out);
	return err ? err : buf_append_str(out, " left");
}

/* Prints what has been fetched so far, while the total is not known. */
static int progress_print_found(const struct fetch_counts *counts, struct buf *out)
{
	char day[DAY_TEXT];
	int err = counts->days ? buf_printf(out, "%" PRIu64 " of %" PRIu64 " days, ",
					 counts->days_done, counts->days)
			       : 0;

	if (!err)
		err = buf_printf(out, "%" PRIu64 " jobs, ", counts->done);
	if (err || !counts->oldest_ms)
		return err;
	day_print(day_of_timestamp(counts->oldest_ms), day);
	return buf_printf(out, "back to %s, ", day);
}

int fetch_progress_print(const struct fetch_counts *counts, double rate, struct buf *out)
{
	int err = counts->listed ? buf_printf(out, "%" PRIu64 " of %" PRIu64 " jobs, ",
					   counts->done, counts->found)
				 : progress_print_found(counts, out);

	if (!err)
		err = progress_print_bytes(counts->bytes, out);
	if (!err && counts->failed)
		err = buf_printf(out, ", %" PRIu64 " failed", counts->failed);
	if (!err && rate >= 0)
		err = progress_print_rate(counts, rate, out);
	return err;
}

/* Returns the width of the terminal in columns, at most WIDTH_MAX. */
static int progress_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

/*
 * Draws the text, after a bar if the total is known. Leaves the last column empty,
 * because some terminals move to the next line if it is used.
 */
static void progress_draw(const struct fetch_counts *counts, const struct buf *text)
{
	int columns = progress_width() - 1;
	int bar = columns - (int)text->len - (int)strlen("[] ");
	double part = counts->found ? (double)(counts->done + counts->failed) /
					      (double)counts->found
				    : 0;
	char line[WIDTH_MAX + 1];

	if (bar > BAR_MAX)
		bar = BAR_MAX;
	if (bar < BAR_MIN || !counts->listed) {
		(void)snprintf(line, sizeof(line), "%.*s", columns, text->data);
	} else {
		int full = (int)(part * bar);

		(void)snprintf(line, sizeof(line), "[%.*s%*s] %s", full,
			"==============================", bar - full, "", text->data);
	}
	(void)fprintf(stderr, "\r%s\033[K", line);
	(void)fflush(stderr);
}

/*
 * Updates the average rate with the rate since the last report, which weighs more the
 * longer ago that report was.
 */
static void progress_note_rate(struct fetch_progress *progress,
	const struct fetch_counts *counts, int64_t now_ms)
{
	double passed = (double)(now_ms - progress->reported_ms);
	double rate = (double)(counts->done - progress->reported) * 1000 / passed;
	double all = (double)(now_ms - progress->began_ms);
	const double window = RATE_MS;

	/* During the first RATE_MS this gives the mean since the start. */
	progress->rate += (rate - progress->rate) *
			  (passed / (all < window ? all : window + passed));
	progress->reported_ms = now_ms;
	progress->reported = counts->done;
}

void fetch_progress_report(struct fetch_progress *progress,
	const struct fetch_counts *counts, int64_t now_ms)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, TEXT_MAX);
	if (now_ms - progress->reported_ms < (progress->bar ? BAR_MS : LINE_MS))
		return;
	progress_note_rate(progress, counts, now_ms);
	if (fetch_progress_print(counts, progress->rate, &text))
		return;
	if (progress->bar) {
		flockfile(stderr);
		progress_draw(counts, &text);
		progress->drawn = true;
		funlockfile(stderr);
		return;
	}
	(void)fprintf(stderr, "gladiafs: %s\n", text.data);
}

void fetch_progress_message(struct fetch_progress *progress, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	flockfile(stderr); /* also protects progress->drawn */
	fetch_progress_end(progress);
	(void)vfprintf(stderr, format, args);
	funlockfile(stderr);
	va_end(args);
}

void fetch_progress_end(struct fetch_progress *progress)
{
	flockfile(stderr);
	if (progress->drawn)
		(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	progress->drawn = false;
	funlockfile(stderr);
}
