/* SPDX-License-Identifier: MIT */
#include "offline.h"

#include <errno.h>

#include "gladia/api.h"

bool offline_is(const struct sync *sync)
{
	return sync->offline.is;
}

bool offline_means(const struct sync *sync, int error)
{
	return sync->offline.is && (error == -EHOSTUNREACH || error == -ETIMEDOUT);
}

/* The end of an attempt is handled in offline_on_reach(). */
static void offline_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct sync *sync = ctx;

	(void)error;
	(void)page;
	(void)errmsg;
	sync->offline.probe = NULL;
}

static void offline_cancel_probe(struct offline *offline)
{
	if (offline->probe)
		api_cancel(offline->probe);
	offline->probe = NULL;
}

bool offline_check(struct sync *sync)
{
	static const struct api_handlers handlers = {.on_done = offline_on_done};
	struct offline *offline = &sync->offline;
	int64_t now_ms = loop_now_ms(sync->loop);
	struct query query;

	if (!offline->is || offline->probe ||
		now_ms - offline->tried_ms < OFFLINE_RETRY_MS)
		return offline->is;
	offline->tried_ms = now_ms;
	query_init(&query);
	/* If memory is short, a later reader tries again. */
	if (api_list(sync->api, &query, 0, 0, 1, &handlers, sync, &offline->probe))
		offline->probe = NULL;
	return true;
}

/* Calls must not be started or cancelled from within offline_on_reach(). */
static void offline_settle(void *ctx)
{
	struct sync *sync = ctx;

	/* A probe is a single attempt: the next reader sends the next one. */
	offline_cancel_probe(&sync->offline);
	if (!sync->offline.is)
		return;
	listings_go_offline(sync);
	job_fetches_go_offline(sync);
}

static void offline_on_reach(void *ctx, bool reached, const char *errmsg)
{
	struct sync *sync = ctx;
	struct offline *offline = &sync->offline;

	if (reached && !offline->is)
		return;
	if (reached) {
		log_warning(sync->log, "the API is reachable again");
	} else if (!offline->is) {
		log_warning(sync->log,
			"cannot reach the API (%s): showing cached data, which may be "
			"out of date",
			errmsg);
		offline->tried_ms = loop_now_ms(sync->loop);
	}
	offline->is = !reached;
	loop_task_post(sync->loop, &offline->settle);
}

void offline_init(struct sync *sync)
{
	struct offline *offline = &sync->offline;

	loop_task_init(&offline->settle, offline_settle, sync);
	if (!sync->config.offline_ok)
		return;
	offline->is = sync->config.offline;
	offline->tried_ms = loop_now_ms(sync->loop);
	api_on_reachability(sync->api, offline_on_reach, sync);
}

void offline_done(struct sync *sync)
{
	if (sync->config.offline_ok)
		api_on_reachability(sync->api, NULL, NULL);
	offline_cancel_probe(&sync->offline);
	loop_task_cancel(&sync->offline.settle);
}

static int unreachable_begin(struct listing *listing)
{
	return offline_is(listing->sync) ? 0 : -ENOENT;
}

static void unreachable_pull(struct listing *listing)
{
	/* The reason was logged when the API was found out of reach. */
	if (offline_is(listing->sync))
		listing_failed(listing, -EHOSTUNREACH, "");
	else
		listing_restart(listing);
}

const struct listing_source source_unreachable = {
	ORIGIN_CACHE, unreachable_begin, unreachable_pull, NULL};
