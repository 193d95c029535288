/* SPDX-License-Identifier: MIT */
#include "offline.h"

#include <errno.h>

#include "gladia/api.h"

bool offline_is(const struct sync *sync)
{
	return sync->offline.is;
}

bool offline_is_due(const struct sync *sync)
{
	return sync->offline.is &&
	       loop_now_ms(sync->loop) - sync->offline.tried_ms >= OFFLINE_RETRY_MS;
}

bool offline_means(const struct sync *sync, int error)
{
	return sync->config.offline_ok && sync->offline.is &&
	       (error == -EHOSTUNREACH || error == -ETIMEDOUT);
}

void offline_post(struct sync *sync)
{
	loop_task_post(sync->loop, &sync->offline.settle);
}

static void offline_settle(void *ctx)
{
	struct sync *sync = ctx;
	struct offline *offline = &sync->offline;

	/* The probe has failed, but would retry: the next reader starts another one. */
	if (offline->is && offline->probe && !loop_timer_is_set(&offline->patience)) {
		api_cancel(offline->probe);
		offline->probe = NULL;
	}
	select_cached_settle(sync);
	job_fetch_settle(sync);
}

static void offline_on_reach(void *ctx, bool reached, const char *errmsg)
{
	struct sync *sync = ctx;
	struct offline *offline = &sync->offline;

	if (reached && !offline->is)
		return;
	if (reached)
		log_warning(sync->log, "the API is reachable again");
	else if (!offline->is)
		log_warning(sync->log,
			"cannot reach the API (%s): showing cached data, which may be "
			"out of date",
			errmsg);
	offline->is = !reached;
	offline->tried_ms = loop_now_ms(sync->loop);
	loop_timer_cancel(&offline->patience);
	/* Calls must not be started or cancelled from within this function. */
	offline_post(sync);
}

/* The probe took too long: the requests that wait for it get the cache, or an error. */
static void offline_out_of_patience(void *ctx)
{
	struct sync *sync = ctx;

	sync->offline.tried_ms = loop_now_ms(sync->loop);
	select_cached_settle(sync);
	job_fetch_settle(sync);
}

/* offline_on_reach() has handled the result. */
static void offline_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct sync *sync = ctx;

	(void)error;
	(void)page;
	(void)errmsg;
	sync->offline.probe = NULL;
}

static void offline_begin_probe(struct sync *sync)
{
	static const struct api_handlers handlers = {.on_done = offline_on_done};
	struct query query;

	query_init(&query);
	/* If memory is short, the next reader tries again. */
	if (api_list(sync->api, &query, 0, 0, 1, &handlers, sync, &sync->offline.probe))
		sync->offline.probe = NULL;
}

bool offline_may_wait(struct sync *sync)
{
	struct offline *offline = &sync->offline;

	if (loop_timer_is_set(&offline->patience))
		return true;
	if (!offline_is_due(sync))
		return false;
	if (!offline->probe)
		offline_begin_probe(sync);
	loop_timer_set(sync->loop, &offline->patience,
		loop_now_ms(sync->loop) + OFFLINE_WAIT_MS);
	return true;
}

void offline_init(struct sync *sync)
{
	struct offline *offline = &sync->offline;

	loop_task_init(&offline->settle, offline_settle, sync);
	loop_timer_init(&offline->patience, offline_out_of_patience, sync);
	if (!sync->config.offline_ok)
		return;
	offline->is = sync->config.offline;
	offline->tried_ms = loop_now_ms(sync->loop);
	api_on_reachability(sync->api, offline_on_reach, sync);
}

void offline_done(struct sync *sync)
{
	struct offline *offline = &sync->offline;

	if (sync->config.offline_ok)
		api_on_reachability(sync->api, NULL, NULL);
	if (offline->probe)
		api_cancel(offline->probe);
	loop_task_cancel(&offline->settle);
	loop_timer_cancel(&offline->patience);
}
