/* SPDX-License-Identifier: MIT */
#include "gladia/verify_key.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/param.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/query.h"

struct verify_key {
	struct loop *loop;
	struct buf *errmsg;
	struct verify_key_newest *newest; /* or NULL */
	bool done;
	int error;
};

/* Notes the id of a job. */
static int verify_key_on_item(void *ctx, const struct api_item *item)
{
	struct verify_key_newest *newest = ((struct verify_key *)ctx)->newest;

	if (newest && item && newest->len < VERIFY_KEY_NEWEST_MAX)
		strcpy(newest->ids[newest->len++], item->job.id);
	return 0;
}

/* The page is read again from its first job. */
static void verify_key_on_restart(void *ctx)
{
	struct verify_key_newest *newest = ((struct verify_key *)ctx)->newest;

	if (newest)
		newest->len = 0;
}

static void verify_key_on_done(
	void *ctx, int error, const struct api_page *page, const char *errmsg)
{
	struct verify_key *check = ctx;

	(void)page;
	check->done = true;
	check->error = error;
	if (error)
		errmsg_set(check->errmsg, error, "%s", errmsg);
	loop_stop(check->loop);
}

/* Remembers that the server was not reached. The call cannot be cancelled in here. */
static void verify_key_on_reach(void *ctx, bool reached, const char *errmsg)
{
	struct verify_key *check = ctx;

	if (reached || check->done)
		return;
	check->error = -EHOSTUNREACH;
	errmsg_set(check->errmsg, check->error, "%s", errmsg);
	loop_stop(check->loop);
}

DEFINE_CLEANUP(verify_key_api_cleanup, struct api *, api_free)

static int verify_key_make_api(struct loop *loop, const struct log *log,
	const struct api_config *config, struct api **ret_api, struct buf *errmsg)
{
	struct api_config short_config = *config;

	short_config.timeout_ms = MIN(config->timeout_ms, VERIFY_KEY_MAX_MS);

	int err = api_new(loop, log, &short_config, ret_api);

	if (err == -EINVAL && config->ca_file)
		return errmsg_set(errmsg, err,
			"ca_file=%s cannot be used: it must be a readable file with "
			"certificates (PEM)",
			config->ca_file);
	if (err)
		return errmsg_set(errmsg, err, "cannot initialise the API client: %s",
			strerror(-err));
	return 0;
}

int verify_key(struct loop *loop, const struct log *log, const struct api_config *config,
	bool once, struct verify_key_newest *ret_newest, struct buf *errmsg)
{
	static const struct api_handlers handlers = {
		.on_item = verify_key_on_item,
		.on_restart = verify_key_on_restart,
		.on_done = verify_key_on_done,
	};
	CLEANUP(verify_key_api_cleanup) struct api *api = NULL;
	struct verify_key check = {.loop = loop, .errmsg = errmsg, .newest = ret_newest};
	struct api_call *call;
	struct query query;
	int err = verify_key_make_api(loop, log, config, &api, errmsg);

	if (err)
		return err;
	if (once)
		api_on_reachability(api, verify_key_on_reach, &check);
	query_init(&query);
	if (ret_newest)
		ret_newest->len = 0;
	err = api_list(api, &query, 0, 0, ret_newest ? VERIFY_KEY_NEWEST_MAX : 1,
		&handlers, &check, &call);
	if (err)
		return errmsg_set(errmsg, err, "cannot send requests to the API: %s",
			strerror(-err));
	err = loop_run(loop);
	if (check.done)
		return check.error;
	api_cancel(call);
	if (check.error)
		return check.error;
	if (err)
		return errmsg_set(
			errmsg, err, "cannot wait for the API: %s", strerror(-err));
	return -ECANCELED;
}
