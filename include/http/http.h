/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

/*
 * An HTTP client for concurrent requests to one server, driven by the event loop.
 *
 * TLS certificates are always verified. Redirects are not followed: the caller gets their
 * status. Only http and https URLs are accepted. HTTP/2 and compression are used if the
 * server offers them, and connections are reused.
 */
struct http;
struct http_request;

struct http_config {
	const char *user_agent;
	const char *ca_file; /* PEM file of CA certificates; NULL: those of the system */
	/* URL of the proxy; "": none; NULL: the one in the environment (https_proxy) */
	const char *proxy;
	/* "name: value", sent with each request, wiped from memory after use; or NULL */
	const char *secret_header;
	int connections_max;   /* at least 1; further requests are queued */
	int connections_idle;  /* idle ones that stay open; 0: connections_max */
	int64_t connect_ms;    /* timeout to connect, including DNS and TLS */
	int64_t stall_ms;      /* timeout without receiving a byte, once connected */
	size_t error_body_max; /* maximum bytes stored of a body, see http_result */
};

/* How a request ended. */
enum http_failure {
	HTTP_OK,          /* a response was received, whatever its status */
	HTTP_UNREACHABLE, /* DNS, routing or TLS failed, or the connection was refused */
	HTTP_SILENT,      /* connect_ms or stall_ms expired, not counting the queue */
	HTTP_BROKEN,      /* the response was truncated or was not HTTP */
	HTTP_REFUSED,     /* on_data() returned an error */
};

/* The result of a request. All pointers are valid only during on_done(). */
struct http_result {
	enum http_failure failure;
	int error;        /* if HTTP_REFUSED: the error that on_data() returned, else 0 */
	bool tls_failed;  /* if HTTP_UNREACHABLE: the certificate or TLS failed */
	bool unconnected; /* there was no connection, by whatever failure */
	long proxy_status;  /* if HTTP_UNREACHABLE: a proxy's error status, or 0 */
	long status;        /* HTTP status, even if HTTP_BROKEN; 0: no response began */
	const char *detail; /* what failed, in printable ASCII, or "" */
	/* The first error_body_max bytes of the body, NUL-terminated, or "". Empty if the
	 * body was passed to on_data(). */
	const char *body;
	size_t body_len;
	int64_t retry_after_ms; /* delay of Retry-After (RFC 9110, 10.2.3); -1: none */
	char retry_after[64];   /* value of Retry-After, printable ASCII only, or "" */
	char encoding[64];      /* value of Content-Encoding, likewise */
	char version[16];       /* "HTTP/1.1", "HTTP/2", or "" */
	int64_t server_ms;      /* timestamp of Date (RFC 9110, 6.6.1); -1: none */
	char request_id[64];    /* x-request-id, printable ASCII only, or "" */
	uint64_t bytes;         /* size of the body as received, before decoding */
	int64_t elapsed_ms;     /* duration, without the time in the queue */
};

/*
 * Callbacks of a request, called from loop_turn(). They may start requests and cancel any
 * request, except that on_data() must not cancel its own: it returns an error instead.
 * They must not call http_free().
 */
struct http_handlers {
	/*
	 * Receives decoded bytes of the body of a 2xx response, at most 16 KiB per call.
	 * A negative return value ends the request with HTTP_REFUSED. If on_data is NULL,
	 * the body is stored in the result.
	 */
	int (*on_data)(void *ctx, const char *data, size_t len);
	/* Called exactly once, unless the request is cancelled, before it is freed. */
	void (*on_done)(void *ctx, const struct http_result *result);
};

/* Returns the names and versions of libcurl and the libraries it uses. */
const char *http_library_version(void);

/*
 * Creates a client. A loop can have only one. All strings are copied. Returns 0, -EINVAL
 * if `ca_file` cannot be read or contains no certificate or `secret_header` is not a
 * valid header, or -ENOMEM.
 */
int http_new(struct loop *loop, const struct http_config *config, struct http **ret_http);

/* Frees the client; does nothing if it is NULL. No request may be queued or active. */
void http_free(struct http *http);

/*
 * Replaces the secret header of requests that are started from now on. The old one is
 * wiped when the last request that uses it ends. Returns 0, -EINVAL if it is not a valid
 * header, or -ENOMEM; on failure the old one is kept.
 */
int http_set_secret(struct http *http, const char *secret_header);

/*
 * Starts a request, or queues it if connections_max requests are active. `method` is GET
 * or DELETE. `url` and `handlers` are copied. No handler is called before this returns.
 * The proxy is config.proxy or that of the environment, except for hosts in no_proxy and
 * loopback addresses: we always connect to those directly.
 *
 * Returns 0, -EINVAL if `url` is not an absolute http or https URL, or -ENOMEM, also if
 * 65,536 requests are queued. `ret_request` is valid until on_done() returns or the
 * request is cancelled.
 */
int http_start(struct http *http, const char *method, const char *url,
	const struct http_handlers *handlers, void *ctx,
	struct http_request **ret_request);

/*
 * Cancels a request and frees it; none of its handlers is called after that. Must not be
 * called from the request's own on_data(), and has no effect in its on_done(). Never
 * blocks.
 */
void http_cancel(struct http_request *request);
