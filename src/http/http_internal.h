/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "http/http.h"
#include "loop/loop_transfer.h"

/*
 * Maximum bytes of all header lines of a response, including interim responses and
 * trailers. It is far above any real response and stops a server that sends headers
 * forever.
 */
enum { HTTP_HEADERS_MAX = 256 * 1024 };

/* Header values that we store are truncated to this length. */
enum { HTTP_VALUE_MAX = 63 };

/* Why we, not the server, ended a response. */
enum http_cut {
	HTTP_CUT_NONE,
	HTTP_CUT_REFUSED, /* on_data() returned an error, or the request was cancelled */
	HTTP_CUT_ENOUGH,  /* we have as much of the body as we store */
	HTTP_CUT_HEADERS, /* the headers exceed HTTP_HEADERS_MAX */
	HTTP_CUT_MEMORY,  /* no memory to store the body */
	HTTP_CUT_SILENT,  /* nothing was received for stall_ms */
};

/*
 * Limits of what we receive in one turn of the loop, for all responses together. Without
 * them libcurl would process everything that has arrived: nothing else would run
 * meanwhile, and responses that arrive together would end together, which leaves the
 * server idle until we send the next requests.
 */
enum { HTTP_TURN_BYTES = 1 << 20, HTTP_TURN_MS = 3 };

/* How much of these limits the current turn has used. */
struct http_budget {
	const struct loop *loop;
	uint64_t turn;    /* the turn that `taken` and `began_ms` refer to */
	size_t taken;     /* bytes received in that turn */
	int64_t began_ms; /* when the first of them were received */
};

/* A response that is being received. */
struct http_response {
	const struct clock *clock;
	struct http_budget *budget;
	void (*on_paused)(struct http_response *answer);
	const struct http_handlers *handlers;
	void *ctx;
	CURL *easy;
	int64_t received_ms; /* when the last bytes were received */
	enum http_cut cut;
	int error;          /* the error that on_data() returned, or 0 */
	size_t headers_len; /* bytes of headers received so far */
	struct buf body;    /* the body, unless it is passed to on_data() */
	char retry_after[HTTP_VALUE_MAX + 1];
	char request_id[HTTP_VALUE_MAX + 1];
	char encoding[HTTP_VALUE_MAX + 1];
	char date[HTTP_VALUE_MAX + 1];
	char detail[CURL_ERROR_SIZE]; /* CURLOPT_ERRORBUFFER */
};

/*
 * Initializes a response and sets the callbacks of `easy` so that it receives the data.
 * `budget` and `handlers` must stay valid as long as the response. `on_paused` is called
 * from within libcurl when the response was paused because the budget of the turn is used
 * up. At most `body_max` bytes of the body are stored.
 */
void http_response_init(struct http_response *answer, CURL *easy,
	struct http_budget *budget, void (*on_paused)(struct http_response *answer),
	const struct http_handlers *handlers, void *ctx, size_t body_max);

/* Frees what the response has stored. */
void http_response_done(struct http_response *answer);

/*
 * Stores the result of a request whose transfer ended with `code`, except elapsed_ms. Its
 * strings belong to `answer` and are valid as long as it is.
 */
void http_response_result(
	struct http_response *answer, CURLcode code, struct http_result *ret_result);

/* The options of a transfer. libcurl copies its strings. */
struct http_transfer_options {
	const struct http_config *config;
	const char *url;
	const char *method;
	struct curl_slist *headers; /* must stay valid until the transfer is freed */
	struct curl_blob *ca;       /* CA certificates, which must stay valid; or NULL */
	/* Called within libcurl when it is connected, before it sends the request. */
	curl_prereq_callback on_connected;
	void *ctx;
};

/*
 * Creates an easy handle for a request; the caller frees it with curl_easy_cleanup().
 * Returns 0, -EINVAL if the URL is not an absolute http or https URL, or -ENOMEM.
 */
int http_transfer_new(const struct http_transfer_options *options, CURL **ret_easy);

/*
 * Appends the contents of the file at `path` to `text`. Returns 0, -EINVAL if the file
 * cannot be read, contains no PEM certificate or exceeds the maximum of `text`, or
 * -ENOMEM.
 */
int http_read_ca_file(const char *path, struct buf *text);
