/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "gladia/timestamp.h"
#include "source_select.h"

/* Functions that add the jobs that match to a listing, by its kind. */

static int mappers_add(struct listing *listing, int64_t member)
{
	return member_set_add(&listing->members, member, LISTING_EMITTED, true);
}

static int mappers_add_job(struct select *select, const struct catalog_job *job)
{
	return mappers_add(select->listing, job->row);
}

static int mappers_add_day(struct select *select, const struct catalog_job *job)
{
	struct rows *days = &select->days;
	int64_t day;

	if (job->job.created_ms == JOB_NO_TIME)
		return 0;
	day = zone_day(select->listing->query.zone, job->job.created_ms) +
	      LISTING_DAY_BASE;
	if (days->len && days->rows[days->len - 1] == day)
		return 0;
	return rows_append(days, &day, 1);
}

static int mappers_newest_first(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Days are listed the newest first, whatever the order of the jobs is. */
static int mappers_finish_days(struct select *select)
{
	struct rows *days = &select->days;
	int err = 0;

	if (days->len)
		qsort(days->rows, days->len, sizeof(*days->rows), mappers_newest_first);
	for (size_t i = 0; !err && i < days->len; i++)
		err = mappers_add(select->listing, days->rows[i]);
	return err;
}

/* Returns the member number of a name: positive, and derived from the name alone. */
static int64_t mappers_number_of_name(const char *name)
{
	return (int64_t)(sha256_u63("name", name) | 1);
}

bool listing_has_name(const struct listing *listing, const char *name)
{
	return member_set_has(&listing->members, mappers_number_of_name(name));
}

/* Adds the name of a key or value. */
static int mappers_add_name(struct listing *listing, const char *word, size_t len)
{
	struct listing_names *names = &listing->names;
	size_t known = listing->members.len;
	char name[FILENAME_BYTES_MAX + 1];

	/* The catalog has checked the words (jobs_metadata()). */
	if (metadata_show(word, len, name))
		return -EIO;

	/* Reserve memory first, so that no member is ever without its name. */
	int err = buf_reserve(&names->text, strlen(name) + 1);

	if (err)
		return err == -EMSGSIZE ? -EFBIG : err;
	err = ARRAY_RESERVE(names->starts, names->cap, known + 1);
	if (err)
		return err;
	err = mappers_add(listing, mappers_number_of_name(name));
	if (err || listing->members.len == known)
		return err;
	names->starts[known] = (uint32_t)names->text.len;
	return buf_append(&names->text, name, strlen(name) + 1);
}

static int mappers_add_keys(struct select *select, const struct catalog_job *job)
{
	struct listing *listing = select->listing;
	struct buf *metadata = &select->metadata;
	struct metadata_pair pair;
	size_t at = 0;
	int err = jobs_metadata(listing->sync->catalog, job->row, metadata);

	while (!err && metadata_next(metadata->data, metadata->len, &at, &pair))
		err = mappers_add_name(listing, pair.key, pair.key_len);
	return err;
}

static int mappers_add_values(struct select *select, const struct catalog_job *job)
{
	struct listing *listing = select->listing;
	struct buf *metadata = &select->metadata;
	char key[METADATA_WORD_MAX + 1] = "";
	struct metadata_pair pair;
	size_t at = 0;
	int err = metadata_open_key(listing->query.metadata, key);

	if (!err)
		err = jobs_metadata(listing->sync->catalog, job->row, metadata);
	while (!err && metadata_next(metadata->data, metadata->len, &at, &pair))
		if (strlen(key) == pair.key_len &&
			memcmp(key, pair.key, pair.key_len) == 0)
			err = mappers_add_name(listing, pair.value, pair.value_len);
	return err;
}

const struct select_mapper select_mappers[] = {
	[LISTING_JOBS] = {mappers_add_job, NULL},
	[LISTING_DAYS] = {mappers_add_day, mappers_finish_days},
	[LISTING_KEYS] = {mappers_add_keys, NULL},
	[LISTING_VALUES] = {mappers_add_values, NULL},
};
