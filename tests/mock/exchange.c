/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "timestamp.h"

#define HOST_MAX 100

struct exchange *exchange_new(const char *uri)
{
	struct exchange *x = must_alloc(sizeof(*x));
	size_t n = strcspn(uri, "?");

	x->path = strndup(uri, n);
	x->query = strdup(uri + n + (uri[n] == '?'));
	x->is_api = strncmp(uri, "/_mock/", 7) != 0;
	answer_init(&x->answer, 0);
	return x;
}

void exchange_meet(
	struct exchange *x, struct MHD_Connection *connection, const char *method)
{
	const char *host = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, "Host");

	x->connection = connection;
	x->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd;
	snprintf(x->method, sizeof(x->method), "%s", method);
	snprintf(x->origin, sizeof(x->origin), "http://%.*s", HOST_MAX,
		host ? host : "127.0.0.1");
}

static void add_member(struct text *t, const char *name, const char *value)
{
	text_printf(t, "\"%s\":", name);
	text_quote(t, value, strlen(value));
	text_str(t, ",");
}

static enum MHD_Result add_header(
	void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct text *t = cls;
	size_t n = strlen(name);
	char *lower = strdup(name);

	(void)kind;
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)lower[i]);
	if (t->p[t->n - 1] != '{')
		text_str(t, ",");
	text_quote(t, lower, n);
	text_str(t, ":");
	text_quote(t, value ? value : "", value ? strlen(value) : 0);
	free(lower);
	return MHD_YES;
}

static uint64_t begin_log(struct mock *s, struct exchange *x)
{
	struct text fields = {0};

	add_member(&fields, "method", x->method);
	add_member(&fields, "path", x->path);
	add_member(&fields, "query", x->query);
	text_str(&fields, "\"headers\":{");
	MHD_get_connection_values(x->connection, MHD_HEADER_KIND, add_header, &fields);
	text_str(&fields, "}");
	return reqlog_begin(&s->log, &fields);
}

static uint64_t offset_of(const char *query)
{
	static const char name[] = "offset=";
	const char *p = strstr(query, name);

	while (p && p != query && p[-1] != '&')
		p = strstr(p + 1, name);
	return p ? strtoull(p + sizeof(name) - 1, NULL, 10) : 0;
}

struct account *exchange_account(struct mock *s, const struct exchange *x)
{
	return x->live ? &s->live : &s->account;
}

int64_t exchange_begin(struct mock *s, struct exchange *x)
{
	int64_t delay;

	if (!x->is_api)
		return 0;
	x->number = begin_log(s, x);
	snprintf(x->request_id, sizeof(x->request_id), "G-%08x",
		(unsigned)(stir(x->number) & 0xffffffffu));
	x->fault = faults_take(
		&s->faults, x->method, x->path, x->query, offset_of(x->query));
	delay = fault_delay(&x->fault);
	return delay < 0 ? -1 : delay + s->modes.latency_ms;
}

uint64_t exchange_due(const struct exchange *x, uint64_t rate)
{
	return 1 + (uint64_t)(timestamp_ticks() - x->sending_since) * rate / 1000;
}

void exchange_spill(const struct exchange *x)
{
	uint64_t from = x->answer.total - x->answer.wire.spill;
	char *rest = must_alloc(x->answer.wire.spill);
	struct answer_hint hint = {0};
	size_t n;

	/* Skip the parts before `from`. */
	while (hint.part < x->answer.count &&
		hint.before + x->answer.parts[hint.part].iov_len <= from)
		hint.before += x->answer.parts[hint.part++].iov_len;
	n = answer_read(&x->answer, &hint, from, rest, x->answer.wire.spill);
	send(x->fd, rest, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(rest);
}

void exchange_free(struct mock *s, struct exchange *x)
{
	if (x->number) {
		reqlog_answer(&s->log, x->number, x->answer.status, x->sent);
		reqlog_end(&s->log, x->number);
	}
	fault_action_done(&x->fault);
	answer_done(&x->answer);
	text_done(&x->upload);
	free(x->path);
	free(x->query);
	free(x);
}
