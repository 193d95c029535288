/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

/*
 * HTTP requests to one origin, many at a time, on the loop. TLS is always checked,
 * redirects are never followed (their status is the answer), only http and https are
 * spoken, HTTP/2 and compression are used where offered, connections are kept alive.
 */
struct http;
struct http_request;

struct http_config {
	const char *user_agent;
	const char *ca_file; /* PEM, or NULL for the system's */
	/* A proxy's URL, "" for none, or NULL for the one that https_proxy names. */
	const char *proxy;
	/* "name: value", sent with each request; copied, wiped; NULL for none */
	const char *secret_header;
	int connections_max;   /* at least 1; beyond, requests wait in line */
	int connections_idle;  /* kept open; 0: as many as connections_max */
	int64_t connect_ms;    /* the longest a connect, name and TLS included, takes */
	int64_t stall_ms;      /* the longest without a byte once connected */
	size_t error_body_max; /* bytes kept of an answer that is not 2xx */
};

enum http_failure {
	HTTP_OK,          /* an answer came, whatever its status */
	HTTP_UNREACHABLE, /* no name, no route, refused, TLS refused */
	HTTP_SILENT,      /* connected or connecting, then nothing for too long; the wait
			   * in line for a connection does not count */
	HTTP_BROKEN,      /* the answer ended early or was not HTTP */
	HTTP_REFUSED,     /* on_data said no */
};

/* What became of a request. Pointers are valid during on_done only. */
struct http_result {
	enum http_failure failure;
	int error;         /* HTTP_REFUSED: what on_data gave, else 0 */
	bool tls_failed;   /* HTTP_UNREACHABLE: it was the certificate or TLS itself */
	long proxy_status; /* HTTP_UNREACHABLE: the proxy refused to connect with it, or 0
			    */
	long status;       /* 0 where no answer began; set for a broken one too */
	const char *detail; /* what failed, in printable ASCII, else "" */
	const char *body;   /* of an answer that is not 2xx; NUL-terminated; where it is
			     * longer than error_body_max, its beginning */
	size_t body_len;
	int64_t retry_after_ms; /* Retry-After (RFC 9110, 10.2.3) from now on; -1: none */
	int64_t server_ms;      /* Date (RFC 9110, 6.6.1), wall time; -1: none */
	char request_id[64];    /* x-request-id, printable ASCII only, or "" */
	uint64_t bytes;         /* of the body, on the wire */
	int64_t elapsed_ms;     /* without the wait in line */
};

/*
 * Called from the loop's turn; both may start and cancel requests, their own included
 * (not from within its on_data: there return an error). Neither may free the http.
 */
struct http_handlers {
	/*
	 * Decoded bytes of a 2xx answer's body, 16 KiB at most; a negative errno ends the
	 * request: HTTP_REFUSED. NULL: the body is kept as that of an error is.
	 */
	int (*on_data)(void *ctx, const char *data, size_t len);
	/* Exactly once, unless cancelled; the request is freed after it. */
	void (*on_done)(void *ctx, const struct http_result *result);
};

/*
 * Strings are copied. 0, -ENOMEM, -EINVAL where ca_file cannot be read or holds no
 * certificate, or secret_header is no header. A loop bears one http.
 */
int http_new(struct loop *loop, const struct http_config *config, struct http **ret_http);

/* All requests must have ended or been cancelled. */
void http_free(struct http *http);

/*
 * Replaces the secret header for requests started from now on; the old one is wiped when
 * the last request that carries it ends. 0, -ENOMEM, -EINVAL as http_new().
 */
int http_set_secret(struct http *http, const char *secret_header);

/*
 * Starts `method` (GET or DELETE) on `url` (copied). No handler runs inside http_start().
 * The proxy is config.proxy, else the environment's (https_proxy); hosts in no_proxy
 * and loopback addresses are always asked directly.
 * 0, -EINVAL for a URL that is not an absolute one of http or https, -ENOMEM (also where
 * 65,536 requests stand in line).
 */
int http_start(struct http *http, const char *method, const char *url,
	const struct http_handlers *handlers, void *ctx,
	struct http_request **ret_request);

/*
 * Ends a request without on_done and frees it; no handler runs any more. Not from within
 * its own on_data; within its on_done it changes nothing. Never waits.
 */
void http_cancel(struct http_request *request);
