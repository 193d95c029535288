/* SPDX-License-Identifier: MIT */
#include "refetch.h"

#include <stdlib.h>
#include <sys/param.h>

#include "offline.h"

/* The readers for which evicted texts are fetched. */

enum {
	/* So many texts wanted in any order make a reader of many. */
	WANTED_MIN = 4,
	/* So far the second text may be from the first one, */
	FIRST_STEP_MAX = 16,
	/* and later ones from the last one: the reader gets others from the kernel. */
	STEP_MAX = 128,
	/* The run of a reader that is led, as if it had read so many texts in order. */
	RUN_LED = 64,
};

static bool refetch_is_used(const struct refetch *refetch)
{
	return refetch->listing != NULL;
}

static void refetch_end(struct refetch *refetch)
{
	struct sync *sync = refetch->sync;

	if (!refetch_is_used(refetch))
		return;
	refetch_cancel_pages(refetch);
	while (refetch->texts_len)
		refetch_retire_text(refetch, &refetch->texts[0]);
	listing_put(refetch->listing);
	free(refetch->texts);
	*refetch = (struct refetch){.sync = sync};
	refetch_set_headroom(sync);
}

static void refetch_on_idle(void *ctx)
{
	struct sync *sync = ctx;
	struct refetches *refetches = &sync->refetches;
	int64_t now_ms = loop_now_ms(sync->loop);

	for (int i = 0; i < REFETCHES; i++) {
		struct refetch *refetch = &refetches->readers[i];

		if (!refetch_is_used(refetch))
			continue;
		if (now_ms - refetch->used_ms >= REFETCH_IDLE_MS)
			refetch_end(refetch);
		else if (!loop_timer_is_set(&refetches->idle))
			loop_timer_set(
				sync->loop, &refetches->idle, now_ms + REFETCH_IDLE_MS);
	}
}

void refetch_init(struct sync *sync)
{
	for (int i = 0; i < REFETCHES; i++)
		sync->refetches.readers[i] = (struct refetch){.sync = sync};
	loop_timer_init(&sync->refetches.idle, refetch_on_idle, sync);
}

void refetch_done(struct sync *sync)
{
	loop_timer_cancel(&sync->refetches.idle);
	for (int i = 0; i < REFETCHES; i++)
		refetch_end(&sync->refetches.readers[i]);
}

/* True if a job at this position may be the next one of the reader. */
static bool refetch_is_near(const struct refetch *refetch, size_t position)
{
	size_t step = refetch->run < REFETCH_RUN_MIN ? FIRST_STEP_MAX : STEP_MAX;
	size_t ahead = MAX(refetch->position + step, refetch->next);

	return position + REFETCH_BACK_MAX >= refetch->position && position <= ahead;
}

/* True if a job may be the next one of a reader in the order of inode numbers. */
static bool refetch_follows_inos(
	const struct refetch *refetch, const struct catalog_job *job)
{
	return refetch->run < REFETCH_RUN_MIN &&
	       refetch->ino_run + 2 >= REFETCH_INO_RUN_MIN && job->ino > refetch->ino;
}

/*
 * Returns the refetch to give up for another reader: one that is unused, or whose reader
 * does not follow the listing, if there is one, or else any; the least recently used.
 */
static struct refetch *refetch_find_victim(struct refetch *readers)
{
	struct refetch *victim = &readers[0];

	for (int i = 1; i < REFETCHES; i++) {
		struct refetch *refetch = &readers[i];
		bool follows = refetch->run >= REFETCH_RUN_MIN;
		bool victim_follows = victim->run >= REFETCH_RUN_MIN;

		if (follows != victim_follows ? victim_follows
					      : refetch->used_ms < victim->used_ms)
			victim = refetch;
	}
	return victim;
}

/* Begins a refetch, and ends another one for it. */
static struct refetch *refetch_begin(struct sync *sync, struct listing *listing)
{
	struct refetch *refetch = refetch_find_victim(sync->refetches.readers);

	refetch_end(refetch);
	listing_hold(listing);
	refetch->listing = listing;
	list_init(&refetch->pages);
	return refetch;
}

/* Returns the refetch of the reader that wants a position of the listing, or a new one.
 */
static struct refetch *refetch_of_reader(struct sync *sync, struct listing *listing,
	size_t position, const struct catalog_job *job)
{
	struct refetch *readers = sync->refetches.readers;
	struct refetch *refetch;

	for (int i = 0; i < REFETCHES; i++)
		if (readers[i].listing == listing &&
			(readers[i].is_led || refetch_is_near(&readers[i], position)))
			return &readers[i];
	for (int i = 0; i < REFETCHES; i++)
		if (readers[i].listing == listing &&
			refetch_follows_inos(&readers[i], job))
			return &readers[i];
	/* A reader in an order of its own keeps what is known of it. */
	refetch = refetch_find_victim(readers);
	return refetch->listing == listing && refetch->run < REFETCH_RUN_MIN
		       ? refetch
		       : refetch_begin(sync, listing);
}

/* Finds a job's position, which is usually near that of the last one. */
static bool refetch_find_position(const struct sync *sync, const struct listing *listing,
	int64_t row, size_t *ret_position)
{
	const struct member_set *members = &listing->members;
	size_t at = 0;

	for (int i = 0; i < REFETCHES; i++)
		if (sync->refetches.readers[i].listing == listing)
			at = sync->refetches.readers[i].position;
	for (size_t i = 0; i < members->len; i++, at++) {
		if (at >= members->len)
			at = 0;
		if (members->members[at] != row)
			continue;
		*ret_position = at;
		return true;
	}
	return false;
}

static void refetch_note_use(struct refetch *refetch)
{
	struct sync *sync = refetch->sync;

	refetch->used_ms = loop_now_ms(sync->loop);
	if (!loop_timer_is_set(&sync->refetches.idle))
		loop_timer_set(sync->loop, &sync->refetches.idle,
			refetch->used_ms + REFETCH_IDLE_MS);
}

/* Notes that a text is wanted by a reader that does not follow the listing. */
static void refetch_note_other_order(
	struct refetch *refetch, size_t position, const struct catalog_job *job)
{
	refetch->ino_run = job->ino > refetch->ino ? refetch->ino_run + 1 : 1;
	refetch->ino = job->ino;
	refetch->run = 1;
	refetch_go_on(refetch, position, false);
}

/* Notes that a text is wanted that follows the last one in the listing. */
static void refetch_note_order(struct refetch *refetch, size_t position, bool requested)
{
	if (!requested) {
		refetch->run++;
		refetch->next = refetch_uses_pages(refetch) ? position : 0;
	}
	refetch_go_on(refetch, MAX(position, refetch->position), !requested);
}

/*
 * Notes which text is wanted. If several in a row follow each other in the listing, their
 * reader is another one than the one that was led.
 */
static void refetch_note_wanted(struct refetch *refetch, size_t position)
{
	size_t before = refetch->wanted_at;
	bool near = refetch->wanted && position > before &&
		    position <= before + FIRST_STEP_MAX;

	refetch->steps = near ? refetch->steps + 1 : 0;
	refetch->wanted++;
	refetch->wanted_at = position;
	if (!refetch->is_led || refetch->steps < REFETCH_RUN_MIN)
		return;
	refetch->is_led = false;
	refetch->run = REFETCH_RUN_MIN;
	refetch->position = before;
}

const struct refetch_page *refetch_want(
	struct sync *sync, struct listing *listing, const struct catalog_job *job)
{
	struct refetch_text *text;
	struct refetch *refetch;
	size_t position;

	if (!refetch_find_position(sync, listing, job->row, &position))
		return NULL;
	refetch = refetch_of_reader(sync, listing, position, job);
	refetch_note_use(refetch);
	refetch_note_wanted(refetch, position);
	text = refetch_find_text(refetch, job->row);

	bool follows = refetch->run && position > refetch->position &&
		       refetch_is_near(refetch, position) &&
		       !refetch_follows_inos(refetch, job);

	/* For one that is led, job_fetch_follow() says what is next. */
	if (!refetch->is_led && (follows || (text && text->page)))
		refetch_note_order(refetch, position, text != NULL);
	else if (refetch->run < REFETCH_RUN_MIN)
		refetch_note_other_order(refetch, position, job);
	text = refetch_find_text(refetch, job->row);
	if (text && text->page)
		return text->page;
	if (!text && refetch->wanted >= WANTED_MIN)
		refetch_add_text(refetch, position, job);
	return NULL;
}

/*
 * Returns the refetch of a listing that is led. If there is none, begins it, and ends
 * those of the listing that have found an order by chance.
 */
static struct refetch *refetch_lead(struct sync *sync, struct listing *listing)
{
	struct refetch *readers = sync->refetches.readers;
	struct refetch *refetch;

	for (int i = 0; i < REFETCHES; i++) {
		if (readers[i].listing == listing && readers[i].is_led)
			return &readers[i];
		if (readers[i].listing == listing)
			refetch_end(&readers[i]);
	}
	refetch = refetch_begin(sync, listing);
	refetch->is_led = true;
	refetch->run = RUN_LED;
	return refetch;
}

void job_fetch_follow(struct sync *sync, struct listing *listing, size_t position)
{
	struct catalog_job job;
	struct refetch *refetch;

	if (offline_is(sync) ||
		jobs_by_row(sync->catalog, listing->members.members[position], &job) ||
		job.deleted || job.has_text || job_fetch_is_coming(sync, &job))
		return;
	refetch = refetch_lead(sync, listing);
	refetch_note_use(refetch);
	refetch->next = position;
	refetch_go_on(refetch, position, true);
}

void refetch_expect(
	struct sync *sync, const struct listing *listing, const struct catalog_job *job)
{
	for (int i = 0; i < REFETCHES; i++) {
		struct refetch *refetch = &sync->refetches.readers[i];

		if (refetch->listing == listing &&
			(refetch->is_led || refetch->wanted >= REFETCH_RUN_MIN) &&
			!refetch_find_text(refetch, job->row)) {
			refetch_add_text(refetch, refetch->position, job);
			return;
		}
	}
}

/* Notes that a reader in the order of inode numbers has read a job fetched for it. */
static void refetch_note_ino(struct refetch *refetch, int64_t row)
{
	struct catalog_job job;

	if (jobs_by_row(refetch->sync->catalog, row, &job) || job.ino < refetch->ino)
		return;
	refetch->ino = job.ino;
	refetch_note_use(refetch);
	refetch_go_on(refetch, refetch->position, false);
}

/* Notes that the reader of a refetch may have read the job. */
static void refetch_note_read(struct refetch *refetch, int64_t row)
{
	const struct member_set *members = &refetch->listing->members;
	size_t end = MIN(members->len, refetch->position + STEP_MAX);
	struct refetch_text *text = refetch_find_text(refetch, row);

	/* Its page may not have ended yet. */
	if (text)
		refetch_retire_text(refetch, text);
	if (text && refetch_uses_inos(refetch))
		refetch_note_ino(refetch, row);
	if (refetch->run < REFETCH_RUN_MIN)
		return;
	for (size_t at = refetch->position; at < end; at++) {
		if (members->members[at] != row)
			continue;
		refetch_note_use(refetch);
		refetch->run += at > refetch->position;
		refetch_go_on(refetch, at, false);
		return;
	}
}

void job_fetch_was_read(struct sync *sync, int64_t row)
{
	for (int i = 0; i < REFETCHES; i++)
		if (refetch_is_used(&sync->refetches.readers[i]))
			refetch_note_read(&sync->refetches.readers[i], row);
}

bool refetch_is_coming(const struct sync *sync, int64_t row)
{
	for (int i = 0; i < REFETCHES; i++) {
		const struct refetch *refetch = &sync->refetches.readers[i];
		const struct refetch_text *text = refetch_find_text(refetch, row);

		if (text && text->page)
			return true;
	}
	return false;
}

void refetch_report(struct sync *sync)
{
	for (int i = 0; i < REFETCHES; i++) {
		const struct refetch *refetch = &sync->refetches.readers[i];

		if (refetch_is_used(refetch) && refetch->is_led &&
			sync->handlers.on_followed)
			sync->handlers.on_followed(sync->handlers_ctx, refetch->listing);
	}
}
