/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"
#include "http/http.h"
#include "loop/loop_transfer.h"

/*
 * All header lines of an answer together, those of interim answers and trailers too:
 * many times what a server has to say, and an end to one that never stops saying it.
 */
enum { HTTP_HEADERS_MAX = 256 * 1024 };

/* Longest value of a header we keep that is told from garbage. */
enum { HTTP_VALUE_MAX = 63 };

/* Why we, not the server, ended an answer. */
enum http_cut {
	HTTP_CUT_NONE,
	HTTP_CUT_REFUSED, /* on_data said no */
	HTTP_CUT_ENOUGH,  /* all of the body that is kept is there */
	HTTP_CUT_HEADERS, /* past HTTP_HEADERS_MAX */
	HTTP_CUT_MEMORY,  /* for the body that is kept */
	HTTP_CUT_SILENT,  /* past stall_ms */
};

/*
 * How much is taken in one turn of the loop, of all answers together. libcurl would go
 * through all that has come in: meanwhile nobody else is served, and answers that came
 * together end together, so that the next requests find an idle server.
 */
enum { HTTP_TURN_BYTES = 1 << 20, HTTP_TURN_MS = 3 };

struct http_budget {
	const struct loop *loop;
	uint64_t turn; /* in which `taken` bytes were taken */
	size_t taken;
	int64_t began_ms;
};

/* What has come in for a request so far. */
struct http_answer {
	const struct clock *clock;
	struct http_budget *budget;
	void (*on_paused)(struct http_answer *answer);
	const struct http_handlers *handlers;
	void *ctx;
	CURL *easy;
	int64_t heard_ms; /* the last sign of life */
	enum http_cut cut;
	int error;
	size_t headers_len;
	struct buf body;
	char retry_after[HTTP_VALUE_MAX + 1];
	char request_id[HTTP_VALUE_MAX + 1];
	char date[HTTP_VALUE_MAX + 1];
	char detail[CURL_ERROR_SIZE]; /* CURLOPT_ERRORBUFFER */
};

/*
 * Prepares `answer` and has `easy` tell it what comes in. `budget` and `handlers` by
 * reference. `on_paused` is called within libcurl, when the turn's budget is used up.
 */
void http_answer_init(struct http_answer *answer, CURL *easy, struct http_budget *budget,
	void (*on_paused)(struct http_answer *answer),
	const struct http_handlers *handlers, void *ctx, size_t body_max);
void http_answer_done(struct http_answer *answer);

/*
 * What became of it, now that libcurl ended with `code`; all but elapsed_ms. Points into
 * `answer`.
 */
void http_answer_result(
	struct http_answer *answer, CURLcode code, struct http_result *ret_result);

/* What a transfer is made of beside its answer; strings are copied by libcurl. */
struct http_transfer_options {
	const struct http_config *config;
	const char *url;
	const char *method;
	struct curl_slist *headers; /* by reference */
	struct curl_blob *ca;       /* certificates, by reference; NULL: the system's */
	/* The connection stands and the request goes out; called by libcurl. */
	curl_prereq_callback on_connected;
	void *ctx;
};

/* 0, -EINVAL for what is not an absolute http or https URL, -ENOMEM. */
int http_transfer_new(const struct http_transfer_options *options, CURL **ret_easy);

/*
 * Appends the file at `path` to `text`. Returns 0, -ENOMEM, or -EINVAL if it cannot be
 * read, has no PEM certificate in it or is larger than `text` may be.
 */
int http_read_ca_file(const char *path, struct buf *text);
