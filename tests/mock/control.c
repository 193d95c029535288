/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "mock.h"
#include "serve.h"
#include "spec.h"
#include "timestamp.h"

/* Maximum number of jobs that one call creates. */
#define CREATE_MAX 1000000

static const char prefix[] = "/_mock/";

static void reply(struct exchange *x, struct text *t)
{
	answer_init(&x->answer, 200);
	answer_take(&x->answer, t);
}

static void reply_ok(struct exchange *x)
{
	answer_init(&x->answer, 200);
	answer_literal(&x->answer, "{}");
}

static void refuse(struct exchange *x, unsigned status, const char *why)
{
	struct text t = {0};

	text_str(&t, "{\"error\":");
	text_quote(&t, why, strlen(why));
	text_str(&t, "}");
	answer_init(&x->answer, status);
	answer_take(&x->answer, &t);
}

static struct span upload(const struct exchange *x)
{
	return x->upload.n ? (struct span){x->upload.p, x->upload.n}
			   : (struct span){"{}", 2};
}

static void get_modes(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};

	(void)rest;
	modes_print(&s->modes, &t);
	reply(x, &t);
}

static void set_modes(struct mock *s, struct exchange *x, const char *rest)
{
	cJSON *o = cJSON_ParseWithLength(upload(x).p, upload(x).n);
	struct modes modes = s->modes;
	const cJSON *member;
	int r = cJSON_IsObject(o) ? 0 : -EINVAL;

	cJSON_ArrayForEach(member, o) {
		char number[32];
		const char *value = cJSON_GetStringValue(member);

		if (!value) {
			snprintf(number, sizeof(number), "%.0f",
				cJSON_IsNumber(member) ? member->valuedouble
						       : cJSON_IsTrue(member));
			value = number;
		}
		if (r == 0)
			r = modes_set(&modes, member->string, value);
	}
	cJSON_Delete(o);
	if (r < 0) {
		refuse(x, 400, r == -ENOENT ? "no such mode" : "no such value of a mode");
		return;
	}
	s->modes = modes;
	s->account.generation++;
	s->live.generation++;
	get_modes(s, x, rest);
}

static void create_jobs(struct mock *s, struct exchange *x, const char *rest)
{
	const struct spec_defaults defaults = {&s->population, &s->chance};
	cJSON *o = cJSON_ParseWithLength(upload(x).p, upload(x).n);
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(o, "count");
	int times = cJSON_IsNumber(count) ? count->valueint : 1, r = 0;
	struct text t = {0};
	const char *why = "too many";

	(void)rest;
	cJSON_Delete(o);
	text_str(&t, "{\"ids\":[");
	for (int i = 0; i < times && r == 0; i++) {
		struct job *job;

		r = times > CREATE_MAX ? -EINVAL
				       : spec_create(exchange_account(s, x), upload(x),
						 &defaults, &job, &why);
		if (r < 0)
			break;
		text_str(&t, i ? "," : "");
		text_quote(&t, job->id, strlen(job->id));
	}
	text_str(&t, "]}");
	if (r == 0) {
		reply(x, &t);
		return;
	}
	text_done(&t);
	refuse(x, r == -EEXIST ? 409 : 400, why);
}

static struct job *named_job(struct mock *s, struct exchange *x, const char *rest)
{
	char *id = text_unescape(rest, strlen(rest), false);
	struct job *job = account_find(exchange_account(s, x), id);

	free(id);
	if (!job)
		refuse(x, 404, "no such job");
	return job;
}

static void change_job(struct mock *s, struct exchange *x, const char *rest)
{
	struct job *job = named_job(s, x, rest);
	const char *why;

	if (!job)
		return;
	if (spec_change(exchange_account(s, x), job, upload(x), &why) < 0)
		refuse(x, 400, why);
	else
		reply_ok(x);
}

static void delete_job(struct mock *s, struct exchange *x, const char *rest)
{
	struct job *job = named_job(s, x, rest);

	if (!job)
		return;
	account_remove(exchange_account(s, x), job);
	reply_ok(x);
}

static void get_job(struct mock *s, struct exchange *x, const char *rest)
{
	struct job *job = named_job(s, x, rest);
	struct text scratch = {0};
	struct body body;

	if (!job)
		return;
	body = account_text(job, &scratch);
	answer_init(&x->answer, 200);
	if (scratch.p)
		answer_take(&x->answer, &scratch);
	else
		answer_part(&x->answer, body.p, body.n);
}

static void print_as_stored(const struct job *job, struct text *out, struct text *scratch)
{
	char created[TIMESTAMP_SIZE], completed[TIMESTAMP_SIZE] = "";

	timestamp_print(job->created, created);
	if (job->completed >= 0)
		timestamp_print(job->completed, completed);
	text_str(out, "{\"id\":");
	text_quote(out, job->id, strlen(job->id));
	text_printf(out, ",\"status\":\"%s\",\"created_at\":\"%s\",\"completed_at\":",
		status_names[job->status], created);
	text_printf(out, *completed ? "\"%s\"" : "null%s", completed);
	text_printf(
		out, ",\"size\":%u,\"custom_metadata\":", account_text(job, scratch).n);
	struct span metadata = account_metadata(job, scratch);
	text_add(out, metadata.p, metadata.n);
	text_str(out, "}");
}

/* Returns an argument of the call, which the caller frees, or NULL. */
static char *argument_text(struct exchange *x, const char *name)
{
	const char *s = MHD_lookup_connection_value(
		x->connection, MHD_GET_ARGUMENT_KIND, name);

	return s ? text_unescape(s, strlen(s), true) : NULL;
}

static int argument_time(struct exchange *x, const char *name, int64_t *ret_ms)
{
	char *s = argument_text(x, name);
	int r = s ? timestamp_parse(s, ret_ms) : 0;

	free(s);
	return r;
}

/* Filters by status, after (inclusive) and before (exclusive), whatever the modes are. */
static void get_jobs(struct mock *s, struct exchange *x, const char *rest)
{
	const struct account *account = exchange_account(s, x);
	int64_t after = INT64_MIN, before = INT64_MAX;
	struct text out = {0}, scratch = {0};
	bool comma = false;
	char *status;

	(void)rest;
	if (argument_time(x, "after", &after) < 0 ||
		argument_time(x, "before", &before) < 0) {
		refuse(x, 400, "not a time");
		return;
	}
	status = argument_text(x, "status");
	text_str(&out, "[");
	for (size_t i = account->count; i-- > 0;) {
		const struct job *job = account->jobs[i];

		if (status && strcmp(status, status_names[job->status]) != 0)
			continue;
		if (job->created < after || job->created >= before)
			continue;
		text_str(&out, comma ? ",\n" : "\n");
		print_as_stored(job, &out, &scratch);
		comma = true;
	}
	text_str(&out, "]\n");
	free(status);
	text_done(&scratch);
	reply(x, &out);
}

static void add_schedule(struct mock *s, struct exchange *x, const char *rest)
{
	(void)rest;
	if (schedules_add(&s->schedules, upload(x).p) < 0)
		refuse(x, 400, "needs {\"after_requests\":K,\"do\":[...]}");
	else
		reply_ok(x);
}

static void clear_schedules(struct mock *s, struct exchange *x, const char *rest)
{
	(void)rest;
	schedules_done(&s->schedules);
	reply_ok(x);
}

static void add_fault(struct mock *s, struct exchange *x, const char *rest)
{
	const char *why;
	int r = faults_add(&s->faults, upload(x).p, &why);
	struct text t = {0};

	(void)rest;
	if (r < 0) {
		refuse(x, 400, why);
		return;
	}
	text_printf(&t, "{\"fault\":%d}", r);
	reply(x, &t);
}

static void get_faults(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};

	(void)rest;
	faults_print(&s->faults, &t);
	reply(x, &t);
}

static void get_kinds(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};

	(void)s;
	(void)rest;
	fault_kinds_print(&t);
	reply(x, &t);
}

static void clear_faults(struct mock *s, struct exchange *x, const char *rest)
{
	(void)rest;
	faults_clear(&s->faults);
	server_release(s->server);
	reply_ok(x);
}

static void get_log(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};

	(void)rest;
	reqlog_print(&s->log, &t);
	reply(x, &t);
}

static void clear_log(struct mock *s, struct exchange *x, const char *rest)
{
	(void)rest;
	reqlog_clear(&s->log);
	reply_ok(x);
}

static void get_stats(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};

	(void)rest;
	reqlog_print_counters(&s->log, &t);
	reply(x, &t);
}

static void clear_stats(struct mock *s, struct exchange *x, const char *rest)
{
	(void)rest;
	reqlog_reset(&s->log);
	reply_ok(x);
}

/* Restores the initial state of everything but the jobs. */
static void reset(struct mock *s, struct exchange *x, const char *rest)
{
	s->modes = s->initial;
	s->account.generation++;
	s->live.generation++;
	schedules_done(&s->schedules);
	reqlog_clear(&s->log);
	reqlog_reset(&s->log);
	clear_faults(s, x, rest);
}

static uint64_t argument(struct exchange *x, const char *name, uint64_t otherwise)
{
	const char *s = MHD_lookup_connection_value(
		x->connection, MHD_GET_ARGUMENT_KIND, name);
	uint64_t n;

	return s && query_number(s, &n) == 0 ? n : otherwise;
}

/*
 * Called a second time after the request was held: then the condition is true, or the
 * time has passed.
 */
static void wait(struct mock *s, struct exchange *x, const char *rest)
{
	struct text t = {0};
	bool reached;

	(void)rest;
	if (x->until == 0) {
		x->until = timestamp_ticks() + (int64_t)argument(x, "timeout_ms", 10000);
		x->wait.in_flight = argument(x, "in_flight", UINT64_MAX);
		x->wait.in_flight_at_most = argument(x, "in_flight_at_most", UINT64_MAX);
		x->wait.requests = argument(x, "requests", UINT64_MAX);
	}
	reached = reqlog_reached(&s->log, &x->wait);
	if (!reached && timestamp_ticks() < x->until) {
		x->hold = HOLD_CONDITION;
		return;
	}
	text_printf(&t, "{\"ok\":%s,\"stats\":", reached ? "true" : "false");
	reqlog_print_counters(&s->log, &t);
	text_str(&t, "}");
	reply(x, &t);
}

/* If `path` ends in "/", the rest of the request's path is the argument. */
static const struct control {
	const char *method, *path;
	void (*handle)(struct mock *s, struct exchange *x, const char *rest);
} controls[] = {
	{"GET", "modes", get_modes},
	{"POST", "modes", set_modes},
	{"GET", "jobs", get_jobs},
	{"POST", "jobs", create_jobs},
	{"GET", "jobs/", get_job},
	{"POST", "jobs/", change_job},
	{"DELETE", "jobs/", delete_job},
	{"POST", "schedule", add_schedule},
	{"DELETE", "schedule", clear_schedules},
	{"GET", "faults", get_faults},
	{"POST", "faults", add_fault},
	{"DELETE", "faults", clear_faults},
	{"GET", "faults/kinds", get_kinds},
	{"GET", "log", get_log},
	{"DELETE", "log", clear_log},
	{"GET", "stats", get_stats},
	{"DELETE", "stats", clear_stats},
	{"POST", "reset", reset},
	{"GET", "wait", wait},
};

void control_answer(struct mock *s, struct exchange *x)
{
	const char *path = x->path + strlen(prefix);
	const char *kind = MHD_lookup_connection_value(
		x->connection, MHD_GET_ARGUMENT_KIND, "kind");

	x->live = kind && strcmp(kind, "live") == 0;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct control *c = &controls[i];
		size_t n = strlen(c->path);
		bool takes_rest = c->path[n - 1] == '/';

		if (strcmp(c->method, x->method) != 0)
			continue;
		if (takes_rest ? strncmp(c->path, path, n) != 0
			       : strcmp(c->path, path) != 0)
			continue;
		c->handle(s, x, path + n);
		return;
	}
	refuse(x, 404, "no such control");
}
