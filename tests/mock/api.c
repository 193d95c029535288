/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "mock.h"
#include "page.h"
#include "timestamp.h"

static const char *const list_paths[] = {"/v2/pre-recorded", "/v2/live"};

/* Maximum number of items in a page, whatever the limit is. */
#define PAGE_MAX 1000000u

void api_error(
	struct exchange *x, unsigned status, const char *message, const char *validation)
{
	struct text t = {0};
	char stamp[TIMESTAMP_SIZE];

	timestamp_print(timestamp_now(), stamp);
	text_printf(&t, "{\"timestamp\":\"%s\",\"path\":", stamp);
	text_quote(&t, x->path, strlen(x->path));
	text_printf(&t,
		",\"request_id\":\"%s\",\"statusCode\":%u,\"message\":", x->request_id,
		status);
	text_quote(&t, message, strlen(message));
	if (validation)
		text_printf(&t, ",\"validation_errors\":[%s]", validation);
	text_str(&t, "}");
	answer_init(&x->answer, status);
	answer_take(&x->answer, &t);
}

void api_retry_after(const struct modes *modes, struct answer *a)
{
	time_t when = time(NULL) + modes->retry_after_s;
	char value[64];
	struct tm tm;

	if (modes->retry_after == RETRY_ABSENT)
		return;
	/* RFC 9110, 10.2.3: delay-seconds, or an HTTP-date. */
	if (modes->retry_after == RETRY_DATE)
		strftime(value, sizeof(value), "%a, %d %b %Y %H:%M:%S GMT",
			gmtime_r(&when, &tm));
	else
		snprintf(value, sizeof(value), "%lld", (long long)modes->retry_after_s);
	answer_header(a, "Retry-After", value);
}

static bool key_is_good(const struct mock *s, struct exchange *x)
{
	const char *key = MHD_lookup_connection_value(
		x->connection, MHD_HEADER_KIND, "x-gladia-key");

	if (key && strcmp(key, s->modes.key) == 0)
		return true;
	api_error(x, 401,
		key && *key ? "gladia user not found" : "no gladia key provided", NULL);
	return false;
}

static void unknown_path(struct exchange *x)
{
	struct text t = {0};

	text_printf(&t, "Cannot %s %s", x->method, x->path);
	api_error(x, 404, t.p, NULL);
	text_done(&t);
}

/* Applies the modes to the requested limit. Returns false if that is an error. */
static bool limit_is_good(const struct modes *m, struct exchange *x, struct query *q)
{
	static const unsigned statuses[] = {[LIMIT_400] = 400, [LIMIT_422] = 422};

	if (q->limit > PAGE_MAX)
		q->limit = PAGE_MAX;
	if (m->limit_max == 0 || q->limit <= (uint64_t)m->limit_max)
		return true;
	if (m->limit_over == LIMIT_CAP) {
		q->limit = (uint64_t)m->limit_max;
		return true;
	}
	api_error(x, statuses[m->limit_over], "Invalid parameter",
		"\"limit must not be greater than the maximum\"");
	return false;
}

/* Removes jobs that do not match from a page. */
static void filter_page(struct page *page, const struct query *q)
{
	struct text scratch = {0};
	size_t kept = 0;

	for (size_t i = 0; i < page->count; i++)
		if (listing_matches(page->jobs[i], q, &scratch))
			page->jobs[kept++] = page->jobs[i];
	page->count = kept;
	text_done(&scratch);
}

static void write_page(struct mock *s, struct exchange *x, const struct query *q,
	const struct listing *l)
{
	const struct modes *m = &s->modes;
	uint64_t left = q->offset < l->count ? l->count - q->offset : 0;
	struct answer items;
	struct page page = {
		.origin = x->origin,
		.path = list_paths[x->live],
		.offset = q->offset,
		.limit = q->limit,
		.filter = q->filter.p ? q->filter.p : "",
		.more = m->last_next == LAST_NEXT_SET ? left >= q->limit
						      : left > q->limit,
		.count = left < q->limit ? left : q->limit,
		.items = &items,
	};

	page.jobs = must_alloc((page.count + 1) * sizeof(*page.jobs));
	for (size_t i = 0; i < page.count; i++)
		page.jobs[i] = listing_job(l, q->offset + i);
	if (m->filter == FILTER_AFTER_CUT)
		filter_page(&page, q);
	answer_init(&items, 200);
	answer_init(&x->answer, 200);
	fault_page(&x->fault, &page, &items);
	page_write(&x->answer, &page, m);
	answer_done(&items);
	free(page.jobs);
}

static void list_jobs(struct mock *s, struct exchange *x)
{
	const struct listing *l;
	struct query q;

	s->log.counters.list_requests++;
	schedules_run(s);
	query_parse(&q, x->query, &s->modes);
	if (q.errors.n) {
		api_error(
			x, q.unprocessable ? 422 : 400, "Invalid parameter", q.errors.p);
	} else if (limit_is_good(&s->modes, x, &q)) {
		static const struct query all = {.until = INT64_MAX, .from = INT64_MIN};
		bool of_all = s->modes.filter == FILTER_AFTER_CUT;

		l = listings_get(x->live ? &s->live_listings : &s->listings,
			exchange_account(s, x), of_all ? &all : &q,
			(enum order)s->modes.order);
		if (s->modes.past_end == PAST_END_404 && q.offset && q.offset >= l->count)
			api_error(x, 404, "Not found", NULL);
		else
			write_page(s, x, &q, l);
	}
	query_done(&q);
}

static void get_job(struct mock *s, struct exchange *x, struct job *job)
{
	(void)s;
	answer_init(&x->answer, 200);
	page_job(&x->answer, job, false);
}

static void get_file(struct mock *s, struct exchange *x, struct job *job)
{
	struct text location = {0};

	(void)s;
	text_printf(&location, "https://storage.invalid/%s?signature=%s", job->id,
		x->request_id);
	answer_init(&x->answer, 302);
	answer_header(&x->answer, "Location", location.p);
	text_done(&location);
}

static void delete_job(struct mock *s, struct exchange *x, struct job *job)
{
	if (job->status < STATUS_DONE) {
		api_error(x, 403, "The job is not finished yet", NULL);
		return;
	}
	account_remove(exchange_account(s, x), job);
	answer_init(&x->answer, 202);
}

static const struct route {
	const char *method, *tail;
	void (*handle)(struct mock *s, struct exchange *x, struct job *job);
} routes[] = {
	{"GET", "", get_job},
	{"DELETE", "", delete_job},
	{"GET", "/file", get_file},
};

static const struct route *find_route(const char *method, const char *tail)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (strcmp(routes[i].method, method) == 0 &&
			strcmp(routes[i].tail, tail) == 0)
			return &routes[i];
	return NULL;
}

/* `rest` is the part of the path after that of the list: "/ID" or "/ID/file". */
static void one_job(struct mock *s, struct exchange *x, const char *rest)
{
	size_t n = strcspn(rest + 1, "/");
	const struct route *route = find_route(x->method, rest + 1 + n);
	struct job *job;
	char *id;

	if (!route || n == 0) {
		unknown_path(x);
		return;
	}
	if (!key_is_good(s, x))
		return;
	if (route->handle == delete_job)
		s->log.counters.delete_requests++;
	else
		s->log.counters.get_requests++;
	id = text_unescape(rest + 1, n, false);
	job = account_find(exchange_account(s, x), id);
	if (job)
		route->handle(s, x, job);
	else
		api_error(x, 404, "Not found", NULL);
	free(id);
}

static void route(struct mock *s, struct exchange *x)
{
	const char *rest;
	size_t n;

	x->live = strncmp(x->path, list_paths[1], strlen(list_paths[1])) == 0;
	n = strlen(list_paths[x->live]);
	rest = x->path + n;
	if (strncmp(x->path, list_paths[x->live], n) != 0)
		unknown_path(x);
	else if (*rest == '/')
		one_job(s, x, rest);
	else if (*rest || strcmp(x->method, "GET") != 0)
		unknown_path(x);
	else if (key_is_good(s, x))
		list_jobs(s, x);
}

/* Applies the modes for layout and compression. */
static void dress(const struct modes *m, struct exchange *x)
{
	const char *accepted = MHD_lookup_connection_value(
		x->connection, MHD_HEADER_KIND, "Accept-Encoding");

	if (m->chunked)
		x->answer.wire.declared = WIRE_CHUNKED;
	if (m->pretty && x->answer.total) {
		struct text plain = answer_flat(&x->answer), pretty = {0};

		json_pretty(&pretty, (struct span){plain.p, plain.n});
		text_done(&plain);
		answer_clear(&x->answer);
		answer_take(&x->answer, &pretty);
	}
	if (m->gzip && accepted && strstr(accepted, "gzip") && x->answer.total)
		answer_gzip(&x->answer);
}

void api_answer(struct mock *s, struct exchange *x)
{
	if (!fault_replaces(&x->fault, &s->modes, x)) {
		route(s, x);
		dress(&s->modes, x);
	}
	fault_wire(&x->fault, &x->answer);
	answer_header(&x->answer, "x-request-id", x->request_id);
}
