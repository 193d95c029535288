/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "gladia/metadata.h"
#include "gladia/timestamp.h"
#include "json/scan.h"
#include "json/string.h"

/* A job's row. Its fixed columns are a part of `fixed`. */
struct csv_row {
	int64_t created_ms;
	uint32_t fixed_at;
	uint32_t fixed_len;
	uint32_t pairs_at;
	uint32_t pairs_len;
};

/* A value of a row in the column of a key. */
struct csv_pair {
	uint32_t key;      /* index in `keys` */
	uint32_t value_at; /* position in `values` */
};

struct csv {
	struct buf fixed;  /* fixed columns, already in CSV */
	struct buf values; /* values of custom_metadata, each with a NUL behind it */
	struct csv_row *rows;
	size_t rows_len;
	size_t rows_cap;
	struct csv_pair *pairs;
	size_t pairs_len;
	size_t pairs_cap;
	char **keys;      /* in the order in which they were first seen */
	uint32_t *sorted; /* indices of `keys`, sorted by name */
	uint32_t *first;  /* by key: the row's first pair plus 1, or 0 */
	size_t keys_len;
};

enum column {
	COLUMN_ID,
	COLUMN_CREATED,
	COLUMN_COMPLETED,
	COLUMN_STATUS,
	COLUMN_FACTS, /* from here on: the facts in the table below */
};

static const struct fact_column {
	const char *name;
	enum job_fact fact;
} fact_columns[] = {
	{"error_code", JOB_ERROR_CODE},
	{"filename", JOB_FILENAME},
	{"audio_duration", JOB_AUDIO_DURATION},
	{"billing_time", JOB_BILLING_TIME},
	{"channels", JOB_CHANNELS},
	{"languages", JOB_LANGUAGES},
	{"speakers", JOB_SPEAKERS},
	{"words", JOB_WORDS},
};

static const char *const column_names[COLUMN_FACTS] = {
	[COLUMN_ID] = "id",
	[COLUMN_CREATED] = "created_at",
	[COLUMN_COMPLETED] = "completed_at",
	[COLUMN_STATUS] = "status",
};

/* In front of a key that is the name of a fixed column. */
static const char key_prefix[] = "custom_metadata.";

static const char line_end[] = "\r\n";

struct csv *csv_new(void)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return NULL;
	buf_init(&csv->fixed, CSV_TEXT_MAX);
	buf_init(&csv->values, CSV_TEXT_MAX);
	return csv;
}

void csv_free(struct csv *csv)
{
	if (!csv)
		return;
	for (size_t i = 0; i < csv->keys_len; i++)
		free(csv->keys[i]);
	free(csv->keys);
	free(csv->sorted);
	free(csv->first);
	free(csv->pairs);
	free(csv->rows);
	buf_done(&csv->fixed);
	buf_done(&csv->values);
	free(csv);
}

size_t csv_len(const struct csv *csv)
{
	return csv->rows_len;
}

static int csv_errno(int err)
{
	return err == -EMSGSIZE ? -EFBIG : err;
}

/*
 * True if a spreadsheet would take the cell for a formula, which could send other cells
 * over the network. Each person that may upload a recording chooses its name.
 */
static bool csv_is_formula(const char *cell, size_t len)
{
	const char *bad;

	return len && strchr("=+-@\t\r\n", *cell) &&
	       scan_number(cell, cell + len, &bad) != len;
}

/* Returns true if the cell has to be in quotes. */
static bool csv_needs_quotes(const char *cell, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(",\"\r\n", cell[i]))
			return true;
	return len && (cell[0] == ' ' || cell[len - 1] == ' ');
}

/* True if a character could control a terminal, unlike a tab or a line break. */
static bool csv_is_control(uint32_t code)
{
	return (code < ' ' && code != '\t' && code != '\r' && code != '\n') ||
	       (code >= 0x7f && code < 0xa0);
}

/* Returns the number of bytes at the beginning of the cell that can be copied. */
static size_t csv_plain_len(const char *cell, size_t len)
{
	size_t plain = 0;

	while (plain < len && cell[plain] >= ' ' && cell[plain] < 0x7f &&
		cell[plain] != '"')
		plain++;
	return plain;
}

/* Appends one character, and moves `cell` behind it. */
static int csv_add_char(struct buf *out, const char **cell, const char *end)
{
	char text[JSON_TEXT_MAX];
	uint32_t code;

	if (**cell == '"') {
		++*cell;
		return buf_append_str(out, "\"\"");
	}
	*cell = json_decode_char(*cell, end, &code);

	const char *text_end = json_encode_char(
		text, csv_is_control(code) ? 0xfffd : code);

	return buf_append(out, text, (size_t)(text_end - text));
}

/*
 * Appends a cell without a NUL in it. Bytes that are not UTF-8, and control characters,
 * become U+FFFD. An apostrophe keeps formulas from being run.
 */
static int csv_add_cell(struct buf *out, const char *cell, size_t len)
{
	bool quotes = csv_needs_quotes(cell, len);
	const char *end = cell + len;
	int err = quotes ? buf_append(out, "\"", 1) : 0;

	if (!err && csv_is_formula(cell, len))
		err = buf_append(out, "'", 1);
	while (!err && cell < end) {
		size_t plain = csv_plain_len(cell, (size_t)(end - cell));

		err = buf_append(out, cell, plain);
		cell += plain;
		if (!err && cell < end)
			err = csv_add_char(out, &cell, end);
	}
	return err || !quotes ? err : buf_append(out, "\"", 1);
}

static int csv_add_text(struct buf *out, const char *before, const char *text)
{
	int err = buf_append_str(out, before);

	return err ? err : csv_add_cell(out, text, strlen(text));
}

static int csv_add_time(struct buf *out, int64_t ms)
{
	char text[TIMESTAMP_TEXT] = "";

	if (ms != JOB_NO_TIME)
		timestamp_print(ms, text);
	return csv_add_text(out, ",", text);
}

static int csv_add_fixed(
	struct buf *out, const struct job *job, const struct job_facts *facts)
{
	int err = csv_add_text(out, "", job->id);

	if (!err)
		err = csv_add_time(out, job->created_ms);
	if (!err)
		err = csv_add_time(out, job->completed_ms);
	if (!err)
		err = csv_add_text(out, ",", job_status_name(job->status));
	for (size_t i = 0; !err && i < ARRAY_SIZE(fact_columns); i++)
		err = csv_add_text(out, ",", job_fact(facts, fact_columns[i].fact));
	return err;
}

/* Returns the position in `sorted` at which the key is, or at which it belongs. */
static size_t csv_find_key(const struct csv *csv, const char *key, bool *ret_found)
{
	size_t low = 0;
	size_t high = csv->keys_len;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(csv->keys[csv->sorted[middle]], key);

		if (!order)
			*ret_found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int csv_allocate_keys(struct csv *csv)
{
	csv->keys = calloc(CSV_KEYS_MAX, sizeof(*csv->keys));
	csv->sorted = calloc(CSV_KEYS_MAX, sizeof(*csv->sorted));
	csv->first = calloc(CSV_KEYS_MAX, sizeof(*csv->first));
	return csv->keys && csv->sorted && csv->first ? 0 : -ENOMEM;
}

/* Finds the index of a key, which is added if it is new. */
static int csv_learn_key(struct csv *csv, const char *key, uint32_t *ret_key)
{
	bool found;
	size_t at = csv_find_key(csv, key, &found);

	if (found) {
		*ret_key = csv->sorted[at];
		return 0;
	}
	if (csv->keys_len == CSV_KEYS_MAX)
		return -EFBIG;
	if (!csv->first && csv_allocate_keys(csv))
		return -ENOMEM;
	csv->keys[csv->keys_len] = strdup(key);
	if (!csv->keys[csv->keys_len])
		return -ENOMEM;
	memmove(csv->sorted + at + 1, csv->sorted + at,
		(csv->keys_len - at) * sizeof(*csv->sorted));
	*ret_key = csv->sorted[at] = (uint32_t)csv->keys_len++;
	return 0;
}

static int csv_add_pair(struct csv *csv, const struct metadata_pair *pair)
{
	char key[FILENAME_BYTES_MAX + 1];
	char value[FILENAME_BYTES_MAX + 1];
	struct csv_pair added = {.value_at = (uint32_t)csv->values.len};

	/* The catalog has checked that its pairs can be decoded. */
	if (metadata_decode(pair->key, pair->key_len, key) ||
		metadata_decode(pair->value, pair->value_len, value))
		return 0;

	int err = csv_learn_key(csv, key, &added.key);

	if (!err)
		err = buf_append(&csv->values, value, strlen(value) + 1);
	if (!err)
		err = ARRAY_RESERVE(csv->pairs, csv->pairs_cap, csv->pairs_len + 1);
	if (!err)
		csv->pairs[csv->pairs_len++] = added;
	return err;
}

int csv_add_job(struct csv *csv, const struct job *job, const struct job_facts *facts,
	const char *metadata, size_t len)
{
	struct csv_row row = {
		.created_ms = job->created_ms,
		.fixed_at = (uint32_t)csv->fixed.len,
		.pairs_at = (uint32_t)csv->pairs_len,
	};
	struct metadata_pair pair;
	size_t at = 0;
	int err = ARRAY_RESERVE(csv->rows, csv->rows_cap, csv->rows_len + 1);

	if (!err)
		err = csv_add_fixed(&csv->fixed, job, facts);
	while (!err && metadata_next(metadata, len, &at, &pair))
		err = csv_add_pair(csv, &pair);
	if (err)
		return csv_errno(err);
	row.fixed_len = (uint32_t)csv->fixed.len - row.fixed_at;
	row.pairs_len = (uint32_t)csv->pairs_len - row.pairs_at;
	csv->rows[csv->rows_len++] = row;
	return 0;
}

static int csv_compare_rows(const void *one, const void *other)
{
	const struct csv_row *a = one;
	const struct csv_row *b = other;

	if (a->created_ms != b->created_ms)
		return a->created_ms > b->created_ms ? -1 : 1;
	return a->fixed_at < b->fixed_at ? -1 : a->fixed_at > b->fixed_at;
}

void csv_sort(struct csv *csv)
{
	size_t i = 1;

	while (i < csv->rows_len &&
		csv_compare_rows(&csv->rows[i - 1], &csv->rows[i]) < 0)
		i++;
	/* The API returns the newest job first, as a rule. */
	if (i < csv->rows_len)
		qsort(csv->rows, csv->rows_len, sizeof(*csv->rows), csv_compare_rows);
}

static bool csv_is_fixed_name(const char *name)
{
	for (size_t i = 0; i < COLUMN_FACTS; i++)
		if (strcmp(column_names[i], name) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(fact_columns); i++)
		if (strcmp(fact_columns[i].name, name) == 0)
			return true;
	return false;
}

/* Appends the name of a key's column, which no other column has. */
static int csv_add_key(const struct csv *csv, const char *key, struct buf *out)
{
	CLEANUP(buf_done) struct buf name;
	bool taken = csv_is_fixed_name(key);
	int err = 0;

	buf_init(&name, CSV_TEXT_MAX);
	while (!err && taken) {
		err = buf_append_str(&name, key_prefix);
		if (!err) {
			size_t len = name.len;

			err = buf_append_str(&name, key);
			if (!err)
				csv_find_key(csv, name.data, &taken);
			if (!err && taken)
				name.len = len;
		}
	}
	if (!err)
		err = csv_add_text(out, ",", name.len ? name.data : key);
	return err;
}

int csv_print_header(const struct csv *csv, struct buf *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < COLUMN_FACTS; i++)
		err = csv_add_text(out, i ? "," : "", column_names[i]);
	for (size_t i = 0; !err && i < ARRAY_SIZE(fact_columns); i++)
		err = csv_add_text(out, ",", fact_columns[i].name);
	for (size_t i = 0; !err && i < csv->keys_len; i++)
		err = csv_add_key(csv, csv->keys[csv->sorted[i]], out);
	if (!err)
		err = buf_append_str(out, line_end);
	return csv_errno(err);
}

/* Appends the values that a row has for a key, joined by commas, in one cell. */
static int csv_add_values(const struct csv *csv, const struct csv_row *row, uint32_t key,
	struct buf *cell, struct buf *out)
{
	const struct csv_pair *end = csv->pairs + row->pairs_at + row->pairs_len;
	const struct csv_pair *pair = csv->pairs + csv->first[key] - 1;
	int err = 0;

	buf_reset(cell);
	for (; !err && pair < end; pair++) {
		if (pair->key != key)
			continue;
		if (cell->len)
			err = buf_append(cell, ",", 1);
		if (!err)
			err = buf_append_str(cell, csv->values.data + pair->value_at);
	}
	return err ? err : csv_add_cell(out, cell->data, cell->len);
}

int csv_print_row(struct csv *csv, size_t number, struct buf *out)
{
	const struct csv_row *row = &csv->rows[number];
	CLEANUP(buf_done) struct buf cell;
	int err = buf_append(out, csv->fixed.data + row->fixed_at, row->fixed_len);

	buf_init(&cell, CSV_TEXT_MAX);
	for (uint32_t i = row->pairs_len; i > 0; i--) {
		uint32_t at = row->pairs_at + i - 1;

		csv->first[csv->pairs[at].key] = at + 1;
	}
	for (size_t i = 0; !err && i < csv->keys_len; i++) {
		uint32_t key = csv->sorted[i];

		err = buf_append(out, ",", 1);
		if (!err && csv->first[key])
			err = csv_add_values(csv, row, key, &cell, out);
	}
	for (uint32_t i = 0; i < row->pairs_len; i++)
		csv->first[csv->pairs[row->pairs_at + i].key] = 0;
	if (!err)
		err = buf_append_str(out, line_end);
	return csv_errno(err);
}
