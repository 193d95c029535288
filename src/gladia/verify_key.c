/* SPDX-License-Identifier: MIT */
#include "gladia/verify_key.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/query.h"

struct keycheck {
	struct loop *loop;
	struct buf *why;
	bool done;
	int error;
};

static void on_done(void *ctx, int error, const struct api_page *page, const char *why)
{
	struct keycheck *check = ctx;

	(void)page;
	check->done = true;
	check->error = error;
	if (error)
		why_set(check->why, error, "%s", why);
	loop_stop(check->loop);
}

/* Remembers that the server was not reached. The call cannot be cancelled in here. */
static void on_reach(void *ctx, bool reached, const char *why)
{
	struct keycheck *check = ctx;

	if (reached || check->done)
		return;
	check->error = -EHOSTUNREACH;
	why_set(check->why, check->error, "%s", why);
	loop_stop(check->loop);
}

static void api_cleanup(struct api **api)
{
	api_free(*api);
}

static int make_api(struct loop *loop, const struct log *log,
	const struct api_config *config, struct api **ret_api, struct buf *why)
{
	struct api_config short_config = *config;

	if (short_config.timeout_ms > KEYCHECK_MAX_MS)
		short_config.timeout_ms = KEYCHECK_MAX_MS;

	int err = api_new(loop, log, &short_config, ret_api);

	if (err == -EINVAL && config->ca_file)
		return why_set(why, err,
			"ca_file=%s cannot be used: it is to be a file with certificates "
			"(PEM) that you can read",
			config->ca_file);
	if (err)
		return why_set(
			why, err, "the API's client cannot be made: %s", strerror(-err));
	return 0;
}

int keycheck_run(struct loop *loop, const struct log *log,
	const struct api_config *config, bool once, struct buf *why)
{
	static const struct api_handlers handlers = {.on_done = on_done};
	CLEANUP(api_cleanup) struct api *api = NULL;
	struct keycheck check = {.loop = loop, .why = why};
	struct api_call *call;
	struct query query;
	int err = make_api(loop, log, config, &api, why);

	if (err)
		return err;
	if (once)
		api_watch(api, on_reach, &check);
	query_init(&query);
	err = api_list(api, &query, 0, 0, 1, &handlers, &check, &call);
	if (err)
		return why_set(why, err, "the API cannot be asked: %s", strerror(-err));
	err = loop_run(loop);
	if (check.done)
		return check.error;
	api_cancel(call);
	if (check.error)
		return check.error;
	if (err)
		return why_set(
			why, err, "the API cannot be waited for: %s", strerror(-err));
	return -ECANCELED;
}
