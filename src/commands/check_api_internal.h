/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api_probe.h"
#include "base/buf.h"
#include "json/cursor.h"

/* Answers to a question of --check --api. */
enum answer {
	ANSWER_TESTED,   /* tests/mock plays it, and gladiafs copes with it */
	ANSWER_UNTESTED, /* no test plays it */
	ANSWER_UNKNOWN,  /* the account or the API did not show it */
};

enum {
	CHECK_API_JOBS_MAX = 100, /* jobs of a page that are examined */
	CHECK_API_ID_MAX = 64,    /* bytes of an id, with the NUL; others are ignored */
	CHECK_API_WORD_MAX = 200, /* bytes of a key or value of custom_metadata */
	/* Jobs created this long before or after a job are listed with it. */
	CHECK_API_AROUND_MS = 1000,
};

/* A job that a list showed. Only jobs with a creation time are examined. */
struct check_api_job {
	char id[CHECK_API_ID_MAX];
	int64_t created_ms;
};

/* The state that the questions share; earlier ones fill it in for later ones. */
struct check_api {
	struct api_probe *probe;
	const char *origin;
	const char *list_path;
	struct check_api_job jobs[CHECK_API_JOBS_MAX]; /* in the order of the page */
	unsigned jobs_len;
	bool next_page;          /* the next job replaces those of the page before */
	unsigned limit;          /* the largest limit that was granted */
	unsigned default_limit;  /* jobs of a page without a limit; 0: refused */
	struct probe_page first; /* page of the newest jobs, or so the API says */
	unsigned small_list;     /* jobs around the first one; 0: not counted yet */
	bool dates_filter;       /* after_date and before_date select jobs */

	/* The first done job of a page: its item. */
	char done_id[CHECK_API_ID_MAX];
	struct buf done;

	/* A job with custom_metadata: the whole, and a string with its key, as JSON. */
	struct check_api_job described;
	struct buf metadata;
	unsigned metadata_keys;
	char key[CHECK_API_WORD_MAX];
	char value[CHECK_API_WORD_MAX];
};

/* Answers "unknown", because the account cannot show the answer. */
int check_api_no_job(struct buf *text);

/*
 * Answers "unknown", because a request failed with `error` of api_probe_list(), or with
 * `status` if `error` is 0.
 */
int check_api_no_answer(int error, long status, struct buf *text);

/* Lists the first jobs and examines them. Returns an error of api_probe_list(). */
int check_api_list_first(
	struct check_api *check, const char *parameters, struct probe_page *ret_page);

/*
 * Lists the jobs that were created within `after_ms` and `before_ms`, and to which
 * `more`, further parameters that begin with "&", apply. `ret_found` is true if `job` is
 * one of them. Returns an error of api_probe_list().
 */
int check_api_list_range(struct check_api *check, const struct check_api_job *job,
	int64_t after_ms, int64_t before_ms, const char *more, bool *ret_found,
	struct probe_page *ret_page);

/*
 * Lists the jobs around `job` to which `more` applies. Returns an error of
 * api_probe_list().
 */
int check_api_list_around(struct check_api *check, const struct check_api_job *job,
	const char *more, bool *ret_found, struct probe_page *ret_page);

/* Copies the id of a job if it needs no decoding. Returns false otherwise. */
bool check_api_copy_id(struct json_slice value, char id[static CHECK_API_ID_MAX]);

/*
 * Questions. Each returns an enum answer and describes it in `text`.
 */
int check_api_items(struct check_api *check, struct buf *text);
int check_api_limits(struct check_api *check, struct buf *text);
int check_api_order(struct check_api *check, struct buf *text);
int check_api_last_page(struct check_api *check, struct buf *text);
int check_api_past_end(struct check_api *check, struct buf *text);
int check_api_next(struct check_api *check, struct buf *text);
int check_api_compression(struct check_api *check, struct buf *text);
int check_api_version(struct check_api *check, struct buf *text);
int check_api_retry_after(struct check_api *check, struct buf *text);
int check_api_range(struct check_api *check, struct buf *text);
int check_api_day(struct check_api *check, struct buf *text);
int check_api_metadata(struct check_api *check, struct buf *text);
