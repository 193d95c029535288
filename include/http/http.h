/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/loop.h"

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
	const char
		*secret_header; /* "name: value", sent with each request; copied, wiped */
	int connections_max;    /* more requests wait in line for a connection */
	int64_t connect_ms;     /* the longest a connect, TLS included, may take */
	int64_t stall_ms;       /* the longest without a byte, first byte included */
	size_t error_body_max;  /* bytes kept of an answer that is not 2xx */
};

enum http_failure {
	HTTP_OK,          /* an answer came, whatever its status */
	HTTP_UNREACHABLE, /* no name, no route, refused, TLS refused */
	HTTP_SILENT,      /* connected or connecting, then nothing for too long */
	HTTP_BROKEN,      /* the answer ended early or was not HTTP */
	HTTP_REFUSED,     /* on_data said no */
};

/* What became of a request. Pointers are valid during on_done only. */
struct http_result {
	enum http_failure failure;
	int error;          /* HTTP_REFUSED: what on_data gave, else 0 */
	bool tls_failed;    /* HTTP_UNREACHABLE: it was the certificate or TLS itself */
	long status;        /* 0 where no answer began */
	const char *detail; /* libcurl's words where it failed, else "" */
	const char *body;   /* of an answer that is not 2xx; NUL-terminated */
	size_t body_len;
	int64_t retry_after_ms; /* Retry-After (RFC 9110, 10.2.3) from now on; -1: none */
	char request_id[64];    /* x-request-id, printable ASCII only, or "" */
	uint64_t bytes;         /* of the body, on the wire */
	int64_t elapsed_ms;
};

/*
 * Called from the loop's turn; both may start and cancel requests, their own included
 * (not from within its on_data: there return an error).
 */
struct http_handlers {
	/* Bytes of a 2xx answer's body. A negative errno ends the request: HTTP_REFUSED.
	 */
	int (*on_data)(void *ctx, const char *data, size_t len);
	/* Exactly once, unless cancelled; the request is freed after it. */
	void (*on_done)(void *ctx, const struct http_result *result);
};

/* Strings are copied. 0, -ENOMEM, -EINVAL where ca_file cannot be used. */
int http_new(struct loop *loop, const struct http_config *config, struct http **ret_http);

/* All requests must have ended or been cancelled. */
void http_free(struct http *http);

/* Replaces the secret header for requests started from now on; the old one is wiped. */
int http_set_secret(struct http *http, const char *secret_header);

/*
 * Starts `method` on `url` (copied). Never calls back before the loop's next step: no
 * handler runs inside http_start(). 0, -ENOMEM, -EINVAL for a URL that is none.
 */
int http_start(struct http *http, const char *method, const char *url,
	const struct http_handlers *handlers, void *ctx,
	struct http_request **ret_request);

/* Ends a request without on_done and frees it. Not from within its own on_data. */
void http_cancel(struct http_request *request);
