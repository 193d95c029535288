/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "internal.h"

/*
 * Fills what is told by custom_metadata: the jobs of metadata/KEY/VALUE/, the names in
 * metadata/ and metadata/KEY/. They are picked out of the surrounding listing, that of
 * the same query without metadata, which is read as far as somebody wants more:
 *
 *   nobody waits for more     rest
 *   a member not looked at    look at it, some at a time; what it brings is told
 *   none, it is not complete  wait for it
 *   none, it is complete      complete
 *
 * The API's own filter is not asked. Whether it understands `custom_metadata`, and as
 * what, is unknown; an answer with too few jobs looks like any other, and could only be
 * told from a right one by this same comparison. Once the surrounding listing is known a
 * look costs what checking that one costs (check.c), so nothing would be saved either.
 */
enum { PICKED_AT_ONCE = 2000 };

/* Bytes of all names of a listing. */
enum { NAMES_TEXT_MAX = 64 << 20 };

struct follow {
	struct listing *from; /* held */
	size_t at;
	struct buf metadata; /* of the job looked at */
	struct waiter waiter;
	struct loop_task again;
	struct loop_timer next;
	bool waiting; /* for one of those */
	int error;    /* that the waiter was told */
};

/* Room for one more, so that there is never a member without its name. */
static int reserve_name(struct listing_names *names, size_t known, size_t len)
{
	int err = buf_reserve(&names->text, len + 1);

	if (err)
		return err == -EMSGSIZE ? -EFBIG : err;
	if (known < names->cap)
		return 0;

	size_t cap = names->cap ? names->cap * 2 : 64;
	uint32_t *starts = realloc(names->starts, cap * sizeof(*starts));

	if (!starts)
		return -ENOMEM;
	names->starts = starts;
	names->cap = cap;
	return 0;
}

/* Returns the member that stands for a name: a number above 0 that is the name's own. */
static int64_t number_of_name(const char *name)
{
	return (int64_t)(digest_u63("name", name) | 1);
}

bool listing_has_name(const struct listing *listing, const char *name)
{
	return snapshot_has(&listing->members, number_of_name(name));
}

static int add_name(struct listing *listing, const char *text, size_t len)
{
	struct listing_names *names = &listing->names;
	size_t known = listing->members.len;
	char name[NAME_BYTES_MAX + 1];
	int err = reserve_name(names, known, len);

	if (err)
		return err;
	memcpy(name, text, len);
	name[len] = '\0';
	err = snapshot_see(&listing->members, number_of_name(name), LISTING_TOLD, true);
	if (err || listing->members.len == known)
		return err;
	names->starts[known] = (uint32_t)names->text.len;
	return buf_append(&names->text, name, len + 1);
}

static int add_names(struct listing *listing, const struct buf *metadata)
{
	struct metadata_pair pair;
	char key[NAME_BYTES_MAX + 1] = "";
	size_t at = 0;
	int err = 0;

	if (listing->kind == LISTING_VALUES)
		err = metadata_open_key(listing->query.metadata, key);
	while (!err && metadata_next(metadata->data, metadata->len, &at, &pair)) {
		if (listing->kind == LISTING_KEYS)
			err = add_name(listing, pair.key, pair.key_len);
		else if (strlen(key) == pair.key_len &&
			 memcmp(key, pair.key, pair.key_len) == 0)
			err = add_name(listing, pair.value, pair.value_len);
	}
	return err;
}

static int pick(struct listing *listing, int64_t row)
{
	struct follow *follow = listing->filling;
	struct catalog_job job;
	bool matches = false;
	int err = listing_look_up(listing, row, &job, &matches);

	if (err || !matches)
		return err == -ENOENT ? 0 : err;
	newest_note(listing, job_mtime_ms(&job.job));
	if (listing->kind == LISTING_JOBS)
		return snapshot_see(&listing->members, row, LISTING_TOLD, true);
	err = jobs_metadata(listing->sync->catalog, row, &follow->metadata);
	return err ? err : add_names(listing, &follow->metadata);
}

/* Some of what the surrounding listing has by now. One that failed is picked again. */
static int pick_some(struct listing *listing)
{
	struct follow *follow = listing->filling;
	size_t len = listing->members.len;
	int err = 0;

	for (int i = 0; !err && i < PICKED_AT_ONCE; i++) {
		if (follow->at == listing_len(follow->from))
			break;
		err = pick(listing, listing_member(follow->from, follow->at));
		follow->at += !err;
	}
	if (!err && listing->members.len > len)
		listing_grew(listing);
	return err;
}

/* Wants what the surrounding listing has not told yet. */
static void want_more(struct listing *listing)
{
	struct follow *follow = listing->filling;
	int err = 0;

	if (follow->at == listing_len(follow->from))
		err = listing_want(follow->from, follow->at);
	if (err == -ENOENT) {
		listing->ordered = follow->from->ordered;
		listing->stale = follow->from->stale;
		listing_completed(listing);
		return;
	}
	/* Why has been told where the jobs are listed. */
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

static void go_on(struct listing *listing)
{
	struct catalog *catalog = listing->sync->catalog;

	catalog_read_begin(catalog);

	int err = pick_some(listing);

	catalog_read_end(catalog);
	if (err)
		listing_failed(listing, err, strerror(-err));
	else if (listing->lacking)
		want_more(listing);
}

static void on_again(void *ctx)
{
	struct listing *listing = ctx;
	struct follow *follow = listing->filling;
	int err = follow->error;

	follow->waiting = false;
	follow->error = 0;
	if (err)
		listing_failed(listing, err, "");
	/* Who went away, by a signal or in the end, does not have the account read. */
	else if (!wait_queue_empty(&listing->queue))
		go_on(listing);
}

/* The listing may be complete then, and let go of this one, which still tells others. */
static void on_jobs(struct waiter *waiter, int error)
{
	struct follow *follow = list_entry(waiter, struct follow, waiter);

	follow->error = error;
	loop_task_post(follow->from->sync->loop, &follow->again);
}

static void pull(struct listing *listing)
{
	struct follow *follow = listing->filling;

	if (!follow->waiting && listing->lacking)
		go_on(listing);
}

/*
 * Reading all of an account can take longer than anybody waits, and than what is read
 * counts as fresh. Whoever looks again soon has it read on, not anew.
 */
static struct listing *find_growing(const struct sync *sync, const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);

	struct listing *found = listing_find(sync, LISTING_JOBS, key);

	if (!found || found->complete || found->broken || found->outdated ||
		!found->members.len ||
		loop_now_ms(sync->loop) - found->grew_ms >= sync->config.ttl_ms)
		return NULL;
	found->holders++;
	return found;
}

static int begin(struct listing *listing)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	struct query around = listing->query;
	int err = 0;

	if (!follow)
		return -ENOMEM;
	*around.metadata = '\0';
	follow->from = find_growing(listing->sync, &around);
	if (!follow->from)
		err = listing_get(listing->sync, LISTING_JOBS, &around, &follow->from);
	if (err) {
		free(follow);
		return err;
	}
	buf_init(&follow->metadata, METADATA_TEXT_MAX);
	waiter_init(&follow->waiter, on_jobs);
	loop_task_init(&follow->again, on_again, listing);
	loop_timer_init(&follow->next, on_again, listing);
	listing->began_ms = follow->from->began_ms;
	listing->began_wall_ms = follow->from->began_wall_ms;
	buf_init(&listing->names.text, NAMES_TEXT_MAX);
	listing->filling = follow;
	return 0;
}

static void end(struct listing *listing)
{
	struct follow *follow = listing->filling;

	wait_leave(&follow->waiter);
	loop_task_cancel(&follow->again);
	loop_timer_cancel(&follow->next);
	listing_put(follow->from);
	buf_done(&follow->metadata);
	free(follow);
}

const struct filler filler_follow = {begin, pull, end};
