/* SPDX-License-Identifier: MIT */
/*
 * After a call has failed because there was no connection, the next ones fail at once for
 * a while, instead of waiting until their time-out each, while one call tries again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "gladia/api_internal.h"

enum { OUTAGE_MS = 10 * 1000 };

static void outage_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct api_outage *outage = ctx;

	(void)error;
	(void)page;
	(void)errmsg;
	outage->probe = NULL;
}

bool api_outage_lasts(const struct api *api)
{
	return loop_now_ms(api->loop) < api->outage.until_ms;
}

void api_outage_begin(struct api *api, const char *reason)
{
	static const struct api_handlers handlers = {.on_done = outage_on_done};
	struct api_outage *outage = &api->outage;
	struct query query;

	if (!outage->enabled || outage->probe || api_outage_lasts(api))
		return;
	query_init(&query);
	/* Without memory for the probe, the outage just ends after its time. */
	if (api_list(api, &query, 0, 0, 1, &handlers, outage, &outage->probe))
		outage->probe = NULL;
	else
		api_limit(outage->probe, OUTAGE_MS);
	outage->began_ms = loop_now_ms(api->loop);
	outage->until_ms = outage->began_ms + OUTAGE_MS;
	(void)snprintf(outage->reason, sizeof(outage->reason), "%s", reason);
}

void api_outage_end(struct api *api)
{
	api->outage.until_ms = 0;
}

void api_outage_fail(const struct api *api, struct api_failure *failure)
{
	const struct api_outage *outage = &api->outage;

	api_fail(failure, -EHOSTUNREACH, "try again in a moment",
		"not tried, because the API could not be reached %" PRId64 " s ago: %s",
		(loop_now_ms(api->loop) - outage->began_ms) / 1000, outage->reason);
}

void api_outage_done(struct api *api)
{
	if (api->outage.probe)
		api_cancel(api->outage.probe);
	api->outage.probe = NULL;
}
