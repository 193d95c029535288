/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

/*
 * Fills a listing of jobs page by page. Pages are requested in order, arrive in any
 * order, and are joined in order:
 *
 *   requested  one per connection is in flight, and as many more may have arrived and
 *              wait for an earlier one; `next` is the offset of the next request
 *   joined     all jobs before the offset `joined` of the span are known, without a gap
 *
 * Offsets shift while the account changes, but the relative order of jobs does not. So a
 * page leaves no gap if any job on it was seen before in this span: the jobs after that
 * one are still after it (SEMANTICS 6.3). Therefore each page begins with the last job of
 * the one before.
 *
 *   the first requested page ...            action
 *   is in flight                            wait
 *   failed                                  listing_failed(); `next` is its offset
 *   failed because its limit is refused     request the same offset with half the limit,
 *                                           unless it has been granted before
 *   begins at 0, or overlaps a known part   its jobs become members; `next: null` on it,
 *                                           and nothing else, ends the span
 *   overlaps nothing known                  request a gap filler: a page in front of it
 *                                           that ends with its first job
 *   the same, but is empty or a gap filler  step back, farther each time, and read again
 *   was shortened by the API's own limit    drop the pages requested after it
 *
 * The jobs and the `next` of a page decide whether it ends the span (SEMANTICS 6.6):
 *
 *   jobs    next       action
 *   some    null       the span ends
 *   some    other      request the following page, which begins with the last of them;
 *                      also if the page is short, and if `next` is missing
 *   none    null       the span ends; if the listing is empty although it had jobs,
 *                      request everything once more and believe the second answer
 *   none    offset     request the same page again; if it is still empty, request the
 *                      page at that offset, because a server may filter its pages after
 *                      it has cut them; -EIO after PAGES_WITHOUT_NEW_MAX such pages
 *   none    other      request the same page again, then -EIO
 *
 * A 404 beyond the start ends the span like a page without jobs and with `null`.
 *
 * Pages of a single job cannot overlap: jobs that move between them are missed.
 */

struct pages {
	struct list asked;
	unsigned asked_len;
	uint64_t asked_items;
	unsigned span;
	uint64_t next;
	uint64_t joined;
	uint64_t resume;    /* offset of the page after the joined ones */
	bool overlaps;      /* that page begins with a known job */
	uint64_t behind;    /* jobs joined so far, in all spans */
	uint64_t base;      /* how many of these the readers have passed */
	unsigned joins;     /* pages joined in this span */
	unsigned cut;       /* jobs on the page joined last if it was shortened, else 0 */
	unsigned step_back; /* length of the last step back; 0: the gap is repaired */
	unsigned gap_repairs;       /* gap repairs since `joined` last exceeded `most` */
	uint64_t most;              /* highest value of `joined` in this span */
	unsigned pages_without_new; /* pages in a row without a new job */
	bool open;       /* the last page was empty and not the end: requested again */
	bool confirmed;  /* there were no jobs at all: requested again */
	bool ordered;    /* all members so far are in descending order of created_at */
	int64_t last_ms; /* created_at of the last member */
	size_t emitted;  /* members emitted before this source began */
	size_t emitted_confirmed; /* how many of these it has read again, first and in
				     order */
};

/* Limits that no sensible server exceeds. */
enum {
	SPAN_MAX = 2 * MEMBER_SET_MAX,
	GAP_REPAIRS_MAX = 100,
	PAGES_WITHOUT_NEW_MAX = 1000
};

static void pages_drop(struct pages *pages, struct page *page)
{
	pages->asked_len--;
	pages->asked_items -= page->limit;
	page_free(page);
}

/* Cancels the requested pages and continues at `offset`. */
static void pages_replan(struct pages *pages, uint64_t offset)
{
	while (!list_empty(&pages->asked))
		pages_drop(pages, list_entry(pages->asked.next, struct page, link));
	pages->next = offset;
}

static void pages_join_all(struct listing *listing);

static void pages_on_page(struct page *page)
{
	pages_join_all(page->ctx);
}

/* Requests a page that is joined before the one at `behind`. */
static int pages_ask_before(
	struct listing *listing, struct list *behind, uint64_t offset, unsigned limit)
{
	struct pages *pages = listing->source_state;
	struct page *page;
	int err = page_ask(listing->sync, &listing->query, pages->span, offset, limit,
		pages_on_page, listing, &page);

	if (err)
		return err;
	list_append(behind, &page->link);
	pages->asked_len++;
	pages->asked_items += limit;
	return 0;
}

/* Requests the next page. */
static int pages_ask(struct listing *listing)
{
	struct pages *pages = listing->source_state;
	const struct page_size *size = &listing->sync->page_size;
	bool first = !pages->span && !pages->joins;
	unsigned limit = first ? page_size_first(size) : page_size_next(size);
	int err = pages_ask_before(listing, &pages->asked, pages->next, limit);

	if (!err)
		pages->next += limit > 1 ? limit - 1 : 1;
	return err;
}

/* True if another page can be requested in parallel and is likely to be joined. */
static bool pages_has_room(const struct listing *listing)
{
	const struct pages *pages = listing->source_state;
	unsigned most = (unsigned)listing->sync->config.connections;
	unsigned under_way = 0;

	/* Begin with a few. */
	if (most > pages->joins * 2)
		most = pages->joins * 2;
	list_for_each (link, &pages->asked) {
		const struct page *page = list_entry(link, struct page, link);

		if (page->call)
			under_way++;
		else if (page->error || page->end.last || !page->end.items)
			return false;
	}
	return under_way < most && pages->asked_len < 2 * most;
}

static bool pages_may_ask(const struct listing *listing)
{
	const struct pages *pages = listing->source_state;

	if (!pages->asked_len)
		return listing->reader_waiting || listing->reading_ahead;
	/* Do not read ahead during repairs, or if pages are short or bring nothing. */
	if (pages->step_back || pages->cut || pages->pages_without_new)
		return false;
	return listing->reading_ahead && pages_has_room(listing);
}

/*
 * True if a reader is close enough to the end of what was fetched to request another
 * page. We keep up to two pages per connection ahead of the readers: one in flight, one
 * unread.
 */
static bool pages_is_near(const struct listing *listing)
{
	const struct pages *pages = listing->source_state;
	uint64_t ahead = 2 * (uint64_t)listing->sync->config.connections *
			 page_size_next(&listing->sync->page_size);

	return listing->reader_waiting ||
	       pages->behind + pages->asked_items < pages->base + ahead;
}

static void pages_pull(struct listing *listing)
{
	struct pages *pages = listing->source_state;
	uint64_t position = listing->reader_waiting ? pages->behind : listing->wanted;

	if (position > pages->base)
		pages->base = position;
	while (pages_may_ask(listing) && pages_is_near(listing)) {
		int err = pages_ask(listing);

		if (err) {
			listing_failed(listing, err, "out of memory");
			return;
		}
	}
}

static void pages_next_span(struct listing *listing)
{
	struct pages *pages = listing->source_state;

	pages_replan(pages, 0);
	pages->span++;
	pages->joined = 0;
	pages->resume = 0;
	pages->overlaps = false;
	pages->joins = 0;
	pages->cut = 0;
	pages->most = 0;
	if (pages->span < listing->query.spans_len)
		return;
	if (!pages->behind && !pages->confirmed && listing_had_jobs(listing)) {
		pages->confirmed = true;
		pages->span = 0;
		return;
	}
	listing->ordered = pages->ordered && pages->emitted_confirmed == pages->emitted;
	listing_completed(listing);
}

/* True if the page overlaps a known part, so that no job can be missing between. */
static bool pages_overlaps_known(const struct listing *listing, const struct page *page)
{
	const struct pages *pages = listing->source_state;

	if (!page->offset || !pages->overlaps)
		return true;
	if (!page->end.items)
		return false;
	/* If all its jobs were refused, an overlap cannot be seen: accept it. */
	if (!page->len)
		return true;
	for (size_t i = 0; i < page->len; i++) {
		int64_t row = page->rows[i] < 0 ? -page->rows[i] : page->rows[i];

		if (member_set_has_in(&listing->members, row, (uint8_t)pages->span))
			return true;
	}
	return false;
}

/* Gives the page an error message of its own. Returns -EIO. */
static int pages_give_up(const struct listing *listing, struct page *page, unsigned tries,
	const char *reason)
{
	free(page->why);
	if (asprintf(&page->why,
		    "the listing \"%s\": the page at offset %" PRIu64
		    " %s, after %u tries; try again later, or report it",
		    listing->key, page->offset, reason, tries) < 0)
		page->why = NULL;
	return -EIO;
}

/*
 * Repairs the gap before a page that overlaps nothing known: jobs were deleted. Usually
 * it is a job or two, and a page in front of this one fills the gap; that one may be too
 * late, too.
 */
static int pages_repair_gap(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->source_state;
	bool bridge = !pages->step_back && page->len && page->limit > 1;
	uint64_t back = bridge ? page->limit - 1 : page->limit;

	pages->cut = 0;
	if (++pages->gap_repairs > GAP_REPAIRS_MAX) {
		pages->gap_repairs = 0;
		return pages_give_up(listing, page, GAP_REPAIRS_MAX,
			"does not continue the pages before it");
	}
	if (page->gap_filler_requested) {
		pages_replan(pages, pages->resume);
		return 0;
	}
	if (pages->step_back)
		back = (uint64_t)pages->step_back * 2;
	if (back > page->offset)
		back = page->offset;
	pages->step_back = (unsigned)back;
	page->gap_filler_requested = bridge;
	if (bridge)
		return pages_ask_before(
			listing, &page->link, page->offset - back, page->limit);
	pages_replan(pages, page->offset - back);
	return 0;
}

/* Drops the pages requested after this one if they do not follow from it. */
static void pages_check_plan(struct pages *pages, const struct page *page)
{
	struct list *second = page->link.next;

	if (second != &pages->asked &&
		list_entry(second, struct page, link)->offset <= pages->resume)
		return;
	while (pages->asked.prev != &page->link)
		pages_drop(pages, list_entry(pages->asked.prev, struct page, link));
	pages->next = pages->resume;
}

/* Members emitted before keep their positions: a new job before them ends the order. */
static void pages_note_emitted(const struct listing *listing, int64_t row)
{
	struct pages *pages = listing->source_state;

	if (pages->emitted_confirmed == pages->emitted)
		return;
	if (listing->members.members[pages->emitted_confirmed] == row)
		pages->emitted_confirmed++;
	else if (!member_set_has_in(&listing->members, row, (uint8_t)pages->span))
		pages->ordered = false;
}

/* Counts the pages in a row without a new job, and fails if there are too many. */
static int pages_note_news(struct listing *listing, struct page *page, bool news)
{
	struct pages *pages = listing->source_state;

	pages->pages_without_new = news ? 0 : pages->pages_without_new + 1;
	if (pages->pages_without_new > PAGES_WITHOUT_NEW_MAX) {
		pages->pages_without_new = 0;
		return pages_give_up(
			listing, page, PAGES_WITHOUT_NEW_MAX, "contains nothing new");
	}
	return page->offset > SPAN_MAX ? -EFBIG : 0;
}

static int pages_take_rows(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->source_state;
	uint8_t part = (uint8_t)pages->span;
	bool news = false;

	for (size_t i = 0; i < page->len; i++) {
		bool emit = page->rows[i] > 0;
		int64_t row = emit ? page->rows[i] : -page->rows[i];

		news = news || !member_set_has_in(&listing->members, row, part);
		pages_note_emitted(listing, row);

		int err = member_set_add(&listing->members, row, part, emit);

		if (err)
			return err;
	}
	newest_note(listing, page->newest_ms);
	return pages_note_news(listing, page, news);
}

/* Notes whether the next refresh may rely on the order (revalidate.h). */
static void pages_note_order(struct pages *pages, const struct page *page)
{
	if (page->has_mismatches || !page->ordered ||
		(pages->joined && page->len && page->first_ms > pages->last_ms))
		pages->ordered = false;
	if (page->len)
		pages->last_ms = page->last_ms;
}

/* Joins the page: its jobs become members. */
static int pages_accept(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->source_state;
	bool last = page->end.last;
	int err = pages_take_rows(listing, page);

	if (err)
		return err;
	page_size_learn(&listing->sync->page_size, page->end.items, page->end.bytes,
		page->end.elapsed_ms);
	pages_note_order(pages, page);
	page_note_cut(page, &pages->cut);
	pages->behind += page->len;
	pages->joined = page->offset + page->end.items;
	pages->overlaps = page->usable_len > 1;
	pages->resume = pages->overlaps ? page->offset + page->usable_len - 1
					: pages->joined;
	pages->joins++;
	pages->step_back = 0;
	if (pages->joined > pages->most) {
		pages->most = pages->joined;
		pages->gap_repairs = 0;
	}
	if (!last)
		pages_check_plan(pages, page);
	pages_drop(pages, page);
	if (last)
		pages_next_span(listing);
	if (listing->state == LISTING_FILLING)
		listing_grew(listing);
	return 0;
}

/* Handles a page without jobs that is not said to be the last: see the table. */
static int pages_pass(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->source_state;
	uint64_t end = page->offset + page->limit;
	uint64_t next = page->end.next < end ? page->end.next : end;
	int err = pages_note_news(listing, page, false);

	if (err)
		return err;
	pages->open = !pages->open;
	if (pages->open) {
		pages_replan(pages, page->offset);
		return 0;
	}
	if (pages->step_back)
		return pages_repair_gap(listing, page);
	if (!page->end.next)
		return pages_give_up(
			listing, page, 2, "has no jobs, but is not marked as the last");
	pages->joined = next;
	pages->resume = next;
	pages->overlaps = false;
	pages->cut = 0;
	pages_replan(pages, next);
	return 0;
}

/* Joins the first requested page. Returns 0, or the error if that is impossible. */
static int pages_join(struct listing *listing, struct page *page)
{
	struct page_size *size = &listing->sync->page_size;
	struct pages *pages = listing->source_state;

	if (page->error == -EINVAL && page_size_refused(size, page->limit)) {
		pages_replan(pages, page->offset);
		return 0;
	}
	if (page->error)
		return page->error;
	if (!page->end.items && !page->end.last)
		return pages_pass(listing, page);
	pages->open = false;
	if (pages_overlaps_known(listing, page))
		return pages_accept(listing, page);
	return pages_repair_gap(listing, page);
}

static void pages_join_all(struct listing *listing)
{
	while (listing->source_state) {
		struct pages *pages = listing->source_state;
		struct page *page = list_entry(pages->asked.next, struct page, link);

		if (list_empty(&pages->asked) || page->call)
			break;

		int err = pages_join(listing, page);

		if (err) {
			char *errmsg = page->why;

			page->why = NULL;
			pages_replan(pages, page->offset);
			listing_failed(listing, err, errmsg ? errmsg : strerror(-err));
			free(errmsg);
			return;
		}
	}
	if (listing->source_state)
		pages_pull(listing);
}

static int pages_begin(struct listing *listing)
{
	struct pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	list_init(&pages->asked);
	pages->ordered = true;
	pages->emitted = listing->members.len;
	page_size_begin(&listing->sync->page_size);
	listing->source_state = pages;
	return 0;
}

static void pages_end(struct listing *listing)
{
	struct pages *pages = listing->source_state;

	pages_replan(pages, 0);
	free(pages);
}

const struct listing_source source_pages = {
	ORIGIN_API, pages_begin, pages_pull, pages_end};
