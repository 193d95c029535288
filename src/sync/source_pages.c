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
 *                      it has cut them; -EIO after IDLE_MAX such pages
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
	uint64_t resume; /* offset of the page after the joined ones */
	bool overlaps;   /* that page begins with a known job */
	uint64_t behind; /* jobs joined so far, in all spans */
	uint64_t base;   /* how many of these the readers have passed */
	unsigned joins;  /* pages joined in this span */
	unsigned cut;    /* jobs on the page joined last if it was shortened, else 0 */
	unsigned back;   /* length of the last step back; 0: the gap is repaired */
	unsigned mends;  /* gap repairs since `joined` last exceeded `most` */
	uint64_t most;   /* highest value of `joined` in this span */
	unsigned idle;   /* pages in a row without a new job */
	bool open;       /* the last page was empty and not the end: requested again */
	bool confirmed;  /* there were no jobs at all: requested again */
	bool ordered;    /* all members so far are in descending order of created_at */
	int64_t last_ms; /* created_at of the last member */
	size_t told;     /* members emitted before this source began */
	size_t stood;    /* how many of these it has read again, first and in order */
};

/* Limits that no sensible server exceeds. */
enum { SPAN_MAX = 2 * SNAPSHOT_MAX, MENDS_MAX = 100, IDLE_MAX = 1000 };

static void drop(struct pages *pages, struct page *page)
{
	pages->asked_len--;
	pages->asked_items -= page->limit;
	page_free(page);
}

/* Cancels the requested pages and continues at `offset`. */
static void replan(struct pages *pages, uint64_t offset)
{
	while (!list_empty(&pages->asked))
		drop(pages, list_entry(pages->asked.next, struct page, link));
	pages->next = offset;
}

static void join_pages(struct listing *listing);

static void on_page(struct page *page)
{
	join_pages(page->ctx);
}

/* Requests a page that is joined before the one at `behind`. */
static int ask_before(
	struct listing *listing, struct list *behind, uint64_t offset, unsigned limit)
{
	struct pages *pages = listing->filling;
	struct page *page;
	int err = page_ask(listing->sync, &listing->query, pages->span, offset, limit,
		on_page, listing, &page);

	if (err)
		return err;
	list_append(behind, &page->link);
	pages->asked_len++;
	pages->asked_items += limit;
	return 0;
}

/* Requests the next page. */
static int ask(struct listing *listing)
{
	struct pages *pages = listing->filling;
	const struct page_size *size = &listing->sync->page_size;
	bool first = !pages->span && !pages->joins;
	unsigned limit = first ? page_size_first(size) : page_size_next(size);
	int err = ask_before(listing, &pages->asked, pages->next, limit);

	if (!err)
		pages->next += limit > 1 ? limit - 1 : 1;
	return err;
}

/* True if another page can be requested in parallel and is likely to be joined. */
static bool has_room(const struct listing *listing)
{
	const struct pages *pages = listing->filling;
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

static bool may_ask(const struct listing *listing)
{
	const struct pages *pages = listing->filling;

	if (!pages->asked_len)
		return listing->lacking || listing->goes_on;
	/* Do not read ahead during repairs, or if pages are short or bring nothing. */
	if (pages->back || pages->cut || pages->idle)
		return false;
	return listing->goes_on && has_room(listing);
}

/*
 * True if a reader is close enough to the end of what was fetched to request another
 * page. We keep up to two pages per connection ahead of the readers: one in flight, one
 * unread.
 */
static bool is_near(const struct listing *listing)
{
	const struct pages *pages = listing->filling;
	uint64_t ahead = 2 * (uint64_t)listing->sync->config.connections *
			 page_size_next(&listing->sync->page_size);

	return listing->lacking ||
	       pages->behind + pages->asked_items < pages->base + ahead;
}

static void pull(struct listing *listing)
{
	struct pages *pages = listing->filling;
	uint64_t stand = listing->lacking ? pages->behind : listing->wanted;

	if (stand > pages->base)
		pages->base = stand;
	while (may_ask(listing) && is_near(listing)) {
		int err = ask(listing);

		if (err) {
			listing_failed(listing, err, "out of memory");
			return;
		}
	}
}

static void next_span(struct listing *listing)
{
	struct pages *pages = listing->filling;

	replan(pages, 0);
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
	listing->ordered = pages->ordered && pages->stood == pages->told;
	listing_completed(listing);
}

/* True if the page overlaps a known part, so that no job can be missing between. */
static bool meets(const struct listing *listing, const struct page *page)
{
	const struct pages *pages = listing->filling;

	if (!page->offset || !pages->overlaps)
		return true;
	if (!page->end.items)
		return false;
	/* If all its jobs were refused, an overlap cannot be seen: accept it. */
	if (!page->len)
		return true;
	for (size_t i = 0; i < page->len; i++) {
		int64_t row = page->rows[i] < 0 ? -page->rows[i] : page->rows[i];

		if (snapshot_has_in(&listing->members, row, (uint8_t)pages->span))
			return true;
	}
	return false;
}

/* Gives the page an error message of its own. Returns -EIO. */
static int give_up(const struct listing *listing, struct page *page, unsigned tries,
	const char *reason)
{
	free(page->why);
	if (asprintf(&page->why,
		    "the listing \"%s\": the page at offset %" PRIu64 " %s, after %u "
		    "tries; try again later, or report it",
		    listing->key, page->offset, reason, tries) < 0)
		page->why = NULL;
	return -EIO;
}

/*
 * Repairs the gap before a page that overlaps nothing known: jobs were deleted. Usually
 * it is a job or two, and a page in front of this one fills the gap; that one may be too
 * late, too.
 */
static int mend(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->filling;
	bool bridge = !pages->back && page->len && page->limit > 1;
	uint64_t back = bridge ? page->limit - 1 : page->limit;

	pages->cut = 0;
	if (++pages->mends > MENDS_MAX) {
		pages->mends = 0;
		return give_up(
			listing, page, MENDS_MAX, "does not follow from those before it");
	}
	if (page->bridged) {
		replan(pages, pages->resume);
		return 0;
	}
	if (pages->back)
		back = (uint64_t)pages->back * 2;
	if (back > page->offset)
		back = page->offset;
	pages->back = (unsigned)back;
	page->bridged = bridge;
	if (bridge)
		return ask_before(listing, &page->link, page->offset - back, page->limit);
	replan(pages, page->offset - back);
	return 0;
}

/* Drops the pages requested after this one if they do not follow from it. */
static void check_plan(struct pages *pages, const struct page *page)
{
	struct list *second = page->link.next;

	if (second != &pages->asked &&
		list_entry(second, struct page, link)->offset <= pages->resume)
		return;
	while (pages->asked.prev != &page->link)
		drop(pages, list_entry(pages->asked.prev, struct page, link));
	pages->next = pages->resume;
}

/* Members emitted before keep their positions: a new job before them ends the order. */
static void note_told(const struct listing *listing, int64_t row)
{
	struct pages *pages = listing->filling;

	if (pages->stood == pages->told)
		return;
	if (listing->members.members[pages->stood] == row)
		pages->stood++;
	else if (!snapshot_has_in(&listing->members, row, (uint8_t)pages->span))
		pages->ordered = false;
}

/* Counts the pages in a row without a new job, and fails if there are too many. */
static int note_news(struct listing *listing, struct page *page, bool news)
{
	struct pages *pages = listing->filling;

	pages->idle = news ? 0 : pages->idle + 1;
	if (pages->idle > IDLE_MAX) {
		pages->idle = 0;
		return give_up(listing, page, IDLE_MAX, "brings nothing new");
	}
	return page->offset > SPAN_MAX ? -EFBIG : 0;
}

static int take_rows(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->filling;
	uint8_t part = (uint8_t)pages->span;
	bool news = false;

	for (size_t i = 0; i < page->len; i++) {
		bool tell = page->rows[i] > 0;
		int64_t row = tell ? page->rows[i] : -page->rows[i];

		news = news || !snapshot_has_in(&listing->members, row, part);
		note_told(listing, row);

		int err = snapshot_see(&listing->members, row, part, tell);

		if (err)
			return err;
	}
	newest_note(listing, page->newest_ms);
	return note_news(listing, page, news);
}

/* Notes whether the next refresh may rely on the order (revalidate.h). */
static void note_order(struct pages *pages, const struct page *page)
{
	if (page->foreign || !page->ordered ||
		(pages->joined && page->len && page->first_ms > pages->last_ms))
		pages->ordered = false;
	if (page->len)
		pages->last_ms = page->last_ms;
}

/* Joins the page: its jobs become members. */
static int accept(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->filling;
	bool last = page->end.last;
	int err = take_rows(listing, page);

	if (err)
		return err;
	page_size_learn(&listing->sync->page_size, page->end.items, page->end.bytes,
		page->end.elapsed_ms);
	note_order(pages, page);
	page_note_cut(page, &pages->cut);
	pages->behind += page->len;
	pages->joined = page->offset + page->end.items;
	pages->overlaps = page->reach > 1;
	pages->resume = pages->overlaps ? page->offset + page->reach - 1 : pages->joined;
	pages->joins++;
	pages->back = 0;
	if (pages->joined > pages->most) {
		pages->most = pages->joined;
		pages->mends = 0;
	}
	if (!last)
		check_plan(pages, page);
	drop(pages, page);
	if (last)
		next_span(listing);
	if (!listing->complete)
		listing_grew(listing);
	return 0;
}

/* Handles a page without jobs that is not said to be the last: see the table. */
static int pass(struct listing *listing, struct page *page)
{
	struct pages *pages = listing->filling;
	uint64_t end = page->offset + page->limit;
	uint64_t next = page->end.next < end ? page->end.next : end;
	int err = note_news(listing, page, false);

	if (err)
		return err;
	pages->open = !pages->open;
	if (pages->open) {
		replan(pages, page->offset);
		return 0;
	}
	if (pages->back)
		return mend(listing, page);
	if (!page->end.next)
		return give_up(listing, page, 2,
			"has no jobs, and does not say that it is the last");
	pages->joined = next;
	pages->resume = next;
	pages->overlaps = false;
	pages->cut = 0;
	replan(pages, next);
	return 0;
}

/* Joins the first requested page. Returns 0, or the error if that is impossible. */
static int join(struct listing *listing, struct page *page)
{
	struct page_size *size = &listing->sync->page_size;
	struct pages *pages = listing->filling;

	if (page->error == -EINVAL && page_size_refused(size, page->limit)) {
		replan(pages, page->offset);
		return 0;
	}
	if (page->error)
		return page->error;
	if (!page->end.items && !page->end.last)
		return pass(listing, page);
	pages->open = false;
	if (meets(listing, page))
		return accept(listing, page);
	return mend(listing, page);
}

static void join_pages(struct listing *listing)
{
	while (listing->filling) {
		struct pages *pages = listing->filling;
		struct page *page = list_entry(pages->asked.next, struct page, link);

		if (list_empty(&pages->asked) || page->call)
			break;

		int err = join(listing, page);

		if (err) {
			char *why = page->why;

			page->why = NULL;
			replan(pages, page->offset);
			listing_failed(listing, err, why ? why : strerror(-err));
			free(why);
			return;
		}
	}
	if (listing->filling)
		pull(listing);
}

static int begin(struct listing *listing)
{
	struct pages *pages = calloc(1, sizeof(*pages));

	if (!pages)
		return -ENOMEM;
	list_init(&pages->asked);
	pages->ordered = true;
	pages->told = listing->members.len;
	page_size_begin(&listing->sync->page_size);
	listing->filling = pages;
	return 0;
}

static void end(struct listing *listing)
{
	struct pages *pages = listing->filling;

	replan(pages, 0);
	free(pages);
}

const struct filler filler_pages = {begin, pull, end};
