/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --check: the checks that send requests to the API.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "check_internal.h"
#include "commands/check.h"
#include "config/api_key.h"
#include "gladia/verify_key.h"
#include "http/http.h"
#include "process/exit_code.h"

/* Certificates and API tokens still work if our clock is wrong by this much. */
enum { SKEW_MAX_S = 300 };

/* A request without the key, which finds out whether the API can be reached. */
struct probe {
	struct loop *loop;
	struct check *check;
	struct buf *say;
	int verdict;
};

static void check_api_on_done(void *ctx, const struct http_result *result)
{
	struct probe *probe = ctx;
	struct check *check = probe->check;
	const char *origin = check->options->origin;

	loop_stop(probe->loop);
	check->reached = result->failure == HTTP_OK;
	check->server_ms = result->server_ms;
	check->heard_ms = clock_wall_ms(&clock_system);
	if (result->tls_failed)
		(void)snprintf(check->tls_error, sizeof(check->tls_error), "%s",
			*result->detail ? result->detail : "no reason given");
	if (check->reached || result->tls_failed)
		probe->verdict = errmsg_set(
			probe->say, VERDICT_OK, "%s can be reached", origin);
	else if (result->proxy_status == 407)
		probe->verdict = errmsg_set(probe->say, VERDICT_WRONG,
			"%s cannot be reached, because the proxy requires a user name "
			"and a password (407): put them into https_proxy "
			"(http://USER:PASSWORD@HOST:PORT)",
			origin);
	else
		probe->verdict = errmsg_set(probe->say, VERDICT_WRONG,
			"%s cannot be reached (%s): check the network, DNS and the "
			"proxy (https_proxy, or -o proxy=)",
			origin, *result->detail ? result->detail : "no answer");
}

DEFINE_CLEANUP(check_api_loop_cleanup, struct loop *, loop_free)
DEFINE_CLEANUP(check_api_http_cleanup, struct http *, http_free)

static int64_t check_api_longest_wait_ms(const struct options *options)
{
	return options->timeout_ms < CHECK_MAX_MS ? options->timeout_ms : CHECK_MAX_MS;
}

/* Sends the request of the probe. Returns 0 or a negative errno. */
static int check_api_start(struct probe *probe, struct http **ret_http)
{
	static const struct http_handlers handlers = {.on_done = check_api_on_done};
	const struct options *options = probe->check->options;
	const struct http_config config = {
		.user_agent = "gladiafs/" GLADIAFS_VERSION,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections_max = 1,
		.connect_ms = check_api_longest_wait_ms(options),
		.stall_ms = check_api_longest_wait_ms(options),
		.error_body_max = ERRMSG_MAX,
	};
	CLEANUP_FREE char *url = NULL;
	struct http_request *request;
	int err = http_new(probe->loop, &config, ret_http);

	if (err)
		return err;
	if (asprintf(&url, "%s/v2/pre-recorded?limit=1", options->origin) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	return http_start(*ret_http, "GET", url, &handlers, probe, &request);
}

int check_api_network(struct check *check, struct buf *say)
{
	CLEANUP(check_api_loop_cleanup) struct loop *loop = NULL;
	CLEANUP(check_api_http_cleanup) struct http *http = NULL;
	struct probe probe = {.check = check, .say = say, .verdict = VERDICT_WRONG};
	int err = loop_new(&clock_system, &loop);

	probe.loop = loop;
	if (!err)
		err = check_api_start(&probe, &http);
	if (err == -EINVAL && check->options->ca_file)
		return errmsg_set(say, VERDICT_UNKNOWN,
			"not contacted, because ca_file= cannot be used");
	if (!err)
		err = loop_run(loop);
	if (err)
		return errmsg_set(say, VERDICT_WRONG,
			"cannot send requests to the API: %s", strerror(-err));
	return probe.verdict;
}

int check_api_tls(struct check *check, struct buf *say)
{
	const char *ca_file = check->options->ca_file;

	if (strncmp(check->options->origin, "http:", strlen("http:")) == 0)
		return errmsg_set(say, VERDICT_OK, "is not used on loopback");
	if (ca_file && access(ca_file, R_OK) < 0)
		return errmsg_set(say, VERDICT_WRONG, "ca_file=%s cannot be read: %s",
			ca_file, strerror(errno));
	if (*check->tls_error)
		return errmsg_set(say, VERDICT_WRONG,
			"%s is not trusted (%s): set the clock, update ca-certificates, "
			"or give the certificates of an intercepting proxy with -o "
			"ca_file=PATH",
			check->options->origin, check->tls_error);
	if (!check->reached)
		return errmsg_set(say, VERDICT_UNKNOWN,
			ca_file ? "no answer; ca_file= must contain certificates (PEM)"
				: "no answer");
	return errmsg_set(say, VERDICT_OK, "the certificate is trusted");
}

int check_api_clock(struct check *check, struct buf *say)
{
	int64_t skew_s = (check->heard_ms - check->server_ms) / 1000;

	if (check->server_ms < 0)
		return errmsg_set(say, check->reached ? VERDICT_OK : VERDICT_UNKNOWN,
			check->reached ? "the API sent no valid Date header"
				       : "no answer to compare it with");
	if (skew_s < -SKEW_MAX_S || skew_s > SKEW_MAX_S)
		return errmsg_set(say, VERDICT_WRONG,
			"is %jd s %s the API's: timedatectl set-ntp true",
			(intmax_t)(skew_s < 0 ? -skew_s : skew_s),
			skew_s < 0 ? "behind" : "ahead of");
	return errmsg_set(say, VERDICT_OK, "agrees with the API's");
}

/* Sends a request with the key; `place` says in messages where the key was found. */
static int check_api_ask(struct check *check, const char *place, struct buf *say)
{
	const struct options *options = check->options;
	CLEANUP(check_api_loop_cleanup) struct loop *loop = NULL;
	const struct api_config config = {
		.origin = options->origin,
		.key = check->key,
		.key_place = place,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections = 1,
		.timeout_ms = check_api_longest_wait_ms(options),
	};
	int err = loop_new(&clock_system, &loop);

	if (err)
		return errmsg_set(say, VERDICT_WRONG,
			"cannot send requests to the API: %s", strerror(-err));
	if (verify_key(loop, &check->log, &config, false, say))
		return VERDICT_WRONG;
	return errmsg_set(say, VERDICT_OK, "is %s; the API accepts it", place);
}

int check_api_key(struct check *check, struct buf *say)
{
	CLEANUP(key_source_done) struct key_source source = {0};
	CLEANUP(buf_done) struct buf place;

	buf_init(&place, KEY_PLACE_MAX);
	if (api_key_find(check->options->key_file, &check->key, &source, say))
		return VERDICT_WRONG;
	if (key_source_print(&source, &place))
		return errmsg_set(say, VERDICT_WRONG,
			"was found (out of memory: its place is not shown)");
	if (!check->reached)
		return errmsg_set(say, VERDICT_UNKNOWN,
			"is %s; not verified, because the API did not answer",
			place.data);
	return check_api_ask(check, place.data, say);
}
