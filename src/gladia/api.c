/* SPDX-License-Identifier: MIT */
#include "gladia/api.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gladia/api_internal.h"

/* Creates and configures a client; api_call.c has the calls. */

enum {
	ERROR_BODY_MAX = 16 << 10,
	/*
	 * Limits for one attempt. If the time-out is longer, the rest is better spent on
	 * another attempt.
	 */
	CONNECT_MAX_MS = 10 * 1000,
	STALL_MAX_MS = 10 * 1000,
};

static void api_wipe(char **string)
{
	if (*string)
		explicit_bzero(*string, strlen(*string));
	free(*string);
}

static char *api_print_header(const char *key)
{
	static const char name[] = "x-gladia-key: ";
	size_t size = sizeof(name) + strlen(key);
	char *header = malloc(size);

	if (header)
		(void)snprintf(header, size, "%s%s", name, key);
	return header;
}

static int api_new_http(struct api *api, const struct api_config *config)
{
	CLEANUP(api_wipe) char *header = api_print_header(config->key);

	if (!header)
		return -ENOMEM;
	return http_new(api->loop,
		&(struct http_config){
			.user_agent = "gladiafs/" GLADIAFS_VERSION,
			.ca_file = config->ca_file,
			.proxy = config->proxy,
			.secret_header = header,
			.connections_max = API_REQUESTS_MAX,
			.connections_idle = config->connections,
			.connect_ms = MIN(config->timeout_ms, CONNECT_MAX_MS),
			.stall_ms = MIN(config->timeout_ms, STALL_MAX_MS),
			.error_body_max = ERROR_BODY_MAX,
		},
		&api->http);
}

const char *api_list_path(bool live)
{
	return live ? "/v2/live" : "/v2/pre-recorded";
}

int api_new(struct loop *loop, const struct log *log, const struct api_config *config,
	struct api **ret_api)
{
	struct api *api = calloc(1, sizeof(*api));
	int err;

	if (!api)
		return -ENOMEM;
	api->loop = loop;
	api->log = log;
	api->timeout_ms = config->timeout_ms;
	api->outage.enabled = config->fail_fast;
	api->gate.seed = (uint64_t)clock_wall_ms(loop_clock(loop)) << 20 ^
			 (uint64_t)getpid();
	list_init(&api->refused);
	buf_init(&api->scratch.text, API_ITEM_MAX);
	buf_init(&api->scratch.head, API_ITEM_MAX);
	buf_init(&api->scratch.metadata, METADATA_TEXT_MAX);
	if (asprintf(&api->list_url, "%s%s", config->origin,
		    api_list_path(config->live)) < 0)
		api->list_url = NULL;
	api->key = strdup(config->key);
	if (config->key_place)
		api->key_place = strdup(config->key_place);
	err = api->list_url && api->key && (api->key_place || !config->key_place)
		      ? api_new_http(api, config)
		      : -ENOMEM;
	if (err) {
		api_free(api);
		return err;
	}
	*ret_api = api;
	return 0;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api_outage_done(api);
	assert(!api->calls);
	http_free(api->http);
	buf_done(&api->scratch.text);
	buf_done(&api->scratch.head);
	buf_done(&api->scratch.metadata);
	api_wipe(&api->key);
	free(api->key_place);
	free(api->list_url);
	free(api);
}

int api_set_key(struct api *api, const char *key)
{
	CLEANUP(api_wipe) char *header = api_print_header(key);
	CLEANUP(api_wipe) char *copy = strdup(key);
	int err = header && copy ? http_set_secret(api->http, header) : -ENOMEM;

	if (err)
		return err;
	if (strcmp(api->key, key) != 0) {
		api->key_number++;
		log_notice(api->log, "using another API key from now on");
	}
	api_wipe(&api->key);
	api->key = cleanup_take(&copy);
	api->gate.closed_until_ms = 0;
	return 0;
}

void api_on_reachability(struct api *api,
	void (*on_reach)(void *ctx, bool reached, const char *errmsg), void *ctx)
{
	api->on_reachability = on_reach;
	api->reachability_ctx = ctx;
}

void api_on_key_refused(struct api *api, void (*on_refused)(void *ctx), void *ctx)
{
	api->on_key_refused = on_refused;
	api->key_refused_ctx = ctx;
}

void api_stats(const struct api *api, struct api_stats *ret_stats)
{
	*ret_stats = api->stats;
	ret_stats->calls = api->calls;
	ret_stats->slowed_ms = retry_gate_ms(&api->gate, loop_now_ms(api->loop));
}
