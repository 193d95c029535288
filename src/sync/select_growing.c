/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sha256.h"
#include "internal.h"

/*
 * Fills the listings below metadata/: the jobs of metadata/KEY/VALUE/, the names in
 * metadata/ and metadata/KEY/. They are selected from the surrounding listing, that of
 * the same query without metadata, which is read only as far as readers want more:
 *
 *   no reader waits for more                       idle
 *   the surrounding listing has members that       examine them, a batch per turn; add
 *   were not examined                              those that match
 *   all are examined, and it is not complete       wait for it
 *   all are examined, and it is complete           complete
 *
 * We do not use the API's own filter. It is not known whether it understands
 * `custom_metadata`, and how: an answer with too few jobs looks like any other, and could
 * be recognised only by this same comparison. It would save nothing either: once the
 * surrounding listing is known, a refresh takes no more than its revalidation
 * (revalidate.h).
 */
enum { SELECT_BATCH = 2000 };

/* Maximum total size of the names of a listing, in bytes. */
enum { NAMES_TEXT_MAX = 64 << 20 };

struct select_growing {
	struct listing *from; /* we hold a reference */
	size_t at;
	struct buf metadata; /* metadata of the job being examined */
	struct waiter waiter;
	struct loop_task again;
	struct loop_timer next;
	bool waiting; /* the waiter, the task or the timer is set */
	int error;    /* error that the waiter was woken with */
};

/* Reserves memory for one more name, so that no member is ever without its name. */
static int growing_reserve_name(struct listing_names *names, size_t known, size_t len)
{
	int err = buf_reserve(&names->text, len + 1);

	if (err)
		return err == -EMSGSIZE ? -EFBIG : err;
	return ARRAY_RESERVE(names->starts, names->cap, known + 1);
}

/* Returns the member number of a name: positive, and derived from the name alone. */
static int64_t growing_number_of_name(const char *name)
{
	return (int64_t)(sha256_u63("name", name) | 1);
}

bool listing_has_name(const struct listing *listing, const char *name)
{
	return member_set_has(&listing->members, growing_number_of_name(name));
}

static int growing_add_name(struct listing *listing, const char *text, size_t len)
{
	struct listing_names *names = &listing->names;
	size_t known = listing->members.len;
	char name[FILENAME_BYTES_MAX + 1];
	int err = growing_reserve_name(names, known, len);

	if (err)
		return err;
	memcpy(name, text, len);
	name[len] = '\0';
	err = member_set_add(
		&listing->members, growing_number_of_name(name), LISTING_EMITTED, true);
	if (err || listing->members.len == known)
		return err;
	names->starts[known] = (uint32_t)names->text.len;
	return buf_append(&names->text, name, len + 1);
}

static int growing_add_names(struct listing *listing, const struct buf *metadata)
{
	struct metadata_pair pair;
	char key[FILENAME_BYTES_MAX + 1] = "";
	size_t at = 0;
	int err = 0;

	if (listing->kind == LISTING_VALUES)
		err = metadata_open_key(listing->query.metadata, key);
	while (!err && metadata_next(metadata->data, metadata->len, &at, &pair)) {
		if (listing->kind == LISTING_KEYS)
			err = growing_add_name(listing, pair.key, pair.key_len);
		else if (strlen(key) == pair.key_len &&
			 memcmp(key, pair.key, pair.key_len) == 0)
			err = growing_add_name(listing, pair.value, pair.value_len);
	}
	return err;
}

static int growing_pick(struct listing *listing, int64_t row)
{
	struct select_growing *follow = listing->source_state;
	struct catalog_job job;
	bool matches = false;
	int err = listing_look_up(listing, row, &job, &matches);

	if (err || !matches)
		return err == -ENOENT ? 0 : err;
	newest_note(listing, job_mtime_ms(&job.job));
	if (listing->kind == LISTING_JOBS)
		return member_set_add(&listing->members, row, LISTING_EMITTED, true);
	err = jobs_metadata(listing->sync->catalog, row, &follow->metadata);
	return err ? err : growing_add_names(listing, &follow->metadata);
}

/*
 * Examines a batch of the surrounding listing's members. If one fails, the next call
 * examines it again.
 */
static int growing_pick_some(struct listing *listing)
{
	struct select_growing *follow = listing->source_state;
	size_t len = listing->members.len;
	int err = 0;

	for (int i = 0; !err && i < SELECT_BATCH; i++) {
		if (follow->at == listing_len(follow->from))
			break;
		err = growing_pick(listing, listing_member(follow->from, follow->at));
		follow->at += !err;
	}
	if (!err && listing->members.len > len)
		listing_grew(listing);
	return err;
}

/* Waits for members that the surrounding listing does not have yet. */
static void growing_want_more(struct listing *listing)
{
	struct select_growing *follow = listing->source_state;
	int err = 0;

	if (follow->at == listing_len(follow->from))
		err = listing_want(follow->from, follow->at);
	if (err == -ENOENT) {
		listing->ordered = follow->from->ordered;
		if (follow->from->origin == ORIGIN_CACHE)
			listing->origin = ORIGIN_CACHE;
		listing_completed(listing);
		return;
	}
	/* The surrounding listing has logged the error. */
	if (err && err != -EAGAIN) {
		listing_failed(listing, err, "");
		return;
	}
	follow->waiting = true;
	if (err)
		wait_enter(listing_queue(follow->from), &follow->waiter);
	else
		loop_timer_set(listing->sync->loop, &follow->next,
			loop_now_ms(listing->sync->loop));
}

static void growing_go_on(struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;

	catalog_read_begin(catalog);

	int err = growing_pick_some(listing);

	catalog_read_end(catalog);
	if (err)
		listing_failed(listing, err, strerror(-err));
	else if (listing->reader_waiting)
		growing_want_more(listing);
}

static void growing_on_again(void *ctx)
{
	struct listing *listing = ctx;
	struct select_growing *follow = listing->source_state;
	int err = follow->error;

	follow->waiting = false;
	follow->error = 0;
	if (err)
		listing_failed(listing, err, "");
	/* If no reader is waiting any more, stop: do not read the whole account. */
	else if (!wait_queue_empty(&listing->queue))
		growing_go_on(listing);
}

/*
 * Completing this listing releases the surrounding one, which is still waking its queue:
 * do it in a task.
 */
static void growing_on_jobs(struct waiter *waiter, int error)
{
	struct select_growing *follow = list_entry(waiter, struct select_growing, waiter);

	follow->error = error;
	loop_task_post(follow->from->sync->loop, &follow->again);
}

static void growing_pull(struct listing *listing)
{
	struct select_growing *follow = listing->source_state;

	if (!follow->waiting && listing->reader_waiting)
		growing_go_on(listing);
}

/*
 * Returns the surrounding listing if it is still growing, or NULL. Reading a whole
 * account can take longer than any reader waits, and longer than ttl: a reader that comes
 * back soon continues the reading instead of restarting it.
 */
static struct listing *growing_find(const struct sync *sync, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *found = listing_find(sync, LISTING_JOBS, key);

	if (!found || found->state != LISTING_FILLING || !listing_is_valid(found) ||
		!found->members.len ||
		loop_now_ms(sync->loop) - found->grew_ms >= sync->config.ttl_ms)
		return NULL;
	found->holders++;
	return found;
}

static int growing_begin(struct listing *listing)
{
	struct select_growing *follow = calloc(1, sizeof(*follow));
	struct query around = listing->query;
	int err = 0;

	if (!follow)
		return -ENOMEM;
	*around.metadata = '\0';
	follow->from = growing_find(listing->sync, &around);
	if (!follow->from)
		err = listing_get(listing->sync, LISTING_JOBS, &around, &follow->from);
	if (err) {
		free(follow);
		return err;
	}
	buf_init(&follow->metadata, METADATA_TEXT_MAX);
	waiter_init(&follow->waiter, growing_on_jobs);
	loop_task_init(&follow->again, growing_on_again, listing);
	loop_timer_init(&follow->next, growing_on_again, listing);
	listing->started_ms = follow->from->started_ms;
	listing->started_wall_ms = follow->from->started_wall_ms;
	buf_init(&listing->names.text, NAMES_TEXT_MAX);
	listing->source_state = follow;
	return 0;
}

static void growing_end(struct listing *listing)
{
	struct select_growing *follow = listing->source_state;

	wait_leave(&follow->waiter);
	loop_task_cancel(&follow->again);
	loop_timer_cancel(&follow->next);
	listing_put(follow->from);
	buf_done(&follow->metadata);
	free(follow);
}

const struct listing_source select_growing = {
	ORIGIN_SELECTED, growing_begin, growing_pull, growing_end};
