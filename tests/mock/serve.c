/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "exchange.h"
#include "timestamp.h"

#define CONNECTIONS_MAX 4000
#define UPLOAD_MAX      ((size_t)256 << 20)
#define EVENTS          64

struct server {
	struct mock *mock;
	struct MHD_Daemon *daemon;
	int epoll, signals;
	struct exchange *held; /* list */
	bool again;            /* a request was released: run at once */
};

static void hold(struct server *server, struct exchange *x, enum hold why, int64_t until)
{
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = x};

	x->hold = why;
	x->until = until;
	x->prev = NULL;
	x->next = server->held;
	if (x->next)
		x->next->prev = x;
	server->held = x;
	epoll_ctl(server->epoll, EPOLL_CTL_ADD, x->fd, &event);
	MHD_suspend_connection(x->connection);
}

static void release(struct server *server, struct exchange *x)
{
	if (x->prev)
		x->prev->next = x->next;
	else
		server->held = x->next;
	if (x->next)
		x->next->prev = x->prev;
	epoll_ctl(server->epoll, EPOLL_CTL_DEL, x->fd, NULL);
	x->hold = HOLD_NONE;
	server->again = true;
	MHD_resume_connection(x->connection);
}

void server_release(struct server *server)
{
	struct exchange *next;

	for (struct exchange *x = server->held; x; x = next) {
		next = x->next;
		if (x->hold != HOLD_CONDITION)
			release(server, x);
	}
}

/*
 * Releases requests whose time or condition has come true. Returns the number of
 * milliseconds until the next one is due, or -1.
 */
static int release_due(struct server *server)
{
	int64_t now = timestamp_ticks(), first = INT64_MAX;
	struct exchange *next;

	for (struct exchange *x = server->held; x; x = next) {
		next = x->next;
		if ((x->until >= 0 && x->until <= now) ||
			(x->hold == HOLD_CONDITION &&
				reqlog_reached(&server->mock->log, &x->wait)))
			release(server, x);
		else if (x->until >= 0 && x->until < first)
			first = x->until;
	}
	if (server->again)
		return 0;
	return first == INT64_MAX ? -1 : (int)(first - now > 60000 ? 60000 : first - now);
}

/* Sends the bytes that MHD has buffered, so that a stall comes after exactly n bytes. */
static void flush(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Resets the connection: connect(2) with AF_UNSPEC sends RST. */
static void reset(int fd)
{
	struct sockaddr no_address = {.sa_family = AF_UNSPEC};

	connect(fd, &no_address, sizeof(no_address));
}

/* Stalls, resets or closes the connection after the last byte to send. */
static ssize_t end_of_limit(struct server *server, struct exchange *x)
{
	struct wire *w = &x->answer.wire;

	flush(x->fd);
	switch (w->end) {
	case WIRE_STALL:
		w->limit = WIRE_ALL;
		hold(server, x, HOLD_RELEASE, -1);
		return 0;
	case WIRE_RESET:
		reset(x->fd);
		break;
	case WIRE_CLOSE:
		break;
	}
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* An MHD_ContentReaderCallback: sends the parts as `wire` defines. */
static ssize_t read_body(void *cls, uint64_t at, char *out, size_t max)
{
	struct exchange *x = cls;
	struct server *server = x->server;
	struct wire *w = &x->answer.wire;
	size_t n;

	if (x->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (at >= w->limit)
		return end_of_limit(server, x);
	if (at >= x->answer.total)
		return w->declared == WIRE_CHUNKED ? MHD_CONTENT_READER_END_OF_STREAM
						   : MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > w->limit - at)
		max = w->limit - at;
	if (w->rate) {
		uint64_t due = exchange_due(x, w->rate);

		if (at >= due) {
			flush(x->fd);
			hold(server, x, HOLD_TIME,
				timestamp_ticks() + 1 + (int64_t)(1000 / w->rate));
			return 0;
		}
		if (max > due - at)
			max = due - at;
	}
	n = answer_read(&x->answer, &x->hint, at, out, max);
	x->sent = at + n;
	return (ssize_t)n;
}

static struct MHD_Response *make_response(struct exchange *x)
{
	struct answer *a = &x->answer;
	const struct wire *w = &a->wire;
	uint64_t length;

	/* If there are more parts, libmicrohttpd 0.9.75 sends IOV_MAX and then hangs. */
	if (w->limit == WIRE_ALL && !w->rate && w->declared == WIRE_EXACT &&
		a->count <= IOV_MAX) {
		x->sent = a->total;
		if (a->count == 0)
			return MHD_create_response_from_buffer(
				0, NULL, MHD_RESPMEM_PERSISTENT);
		return MHD_create_response_from_iovec(
			a->parts, (unsigned)a->count, NULL, NULL);
	}
	length = w->declared == WIRE_CHUNKED ? MHD_SIZE_UNKNOWN
		 : w->declared == WIRE_EXACT ? a->total
					     : (uint64_t)w->declared;
	x->sending_since = timestamp_ticks();
	return MHD_create_response_from_callback(length, 1 << 16, read_body, x, NULL);
}

static enum MHD_Result send_answer(struct exchange *x)
{
	struct MHD_Response *response = make_response(x);
	const struct text *headers = &x->answer.headers;
	enum MHD_Result r;

	for (size_t i = 0; i < headers->n;) {
		const char *name = headers->p + i;
		const char *value = name + strlen(name) + 1;

		MHD_add_response_header(response, name, value);
		i = (size_t)(value + strlen(value) + 1 - headers->p);
	}
	if (x->answer.total && !MHD_get_response_header(response, "Content-Type"))
		MHD_add_response_header(
			response, "Content-Type", "application/json; charset=utf-8");
	r = MHD_queue_response(x->connection, x->answer.status, response);
	MHD_destroy_response(response);
	x->phase = PHASE_ANSWERED;
	return r;
}

static enum MHD_Result answer(struct server *server, struct exchange *x)
{
	struct mock *s = server->mock;

	if (x->gone)
		return MHD_NO;
	if (fault_resets(&x->fault)) {
		reset(x->fd);
		return MHD_NO;
	}
	if (!x->is_api) {
		control_answer(s, x);
		if (x->hold == HOLD_CONDITION) {
			hold(server, x, HOLD_CONDITION, x->until);
			return MHD_YES;
		}
		return send_answer(x);
	}
	api_answer(s, x);
	reqlog_answer(&s->log, x->number, x->answer.status, x->answer.total);
	return send_answer(x);
}

/* Called when the request is complete. */
static enum MHD_Result begin(struct server *server, struct exchange *x)
{
	int64_t delay = exchange_begin(server->mock, x);

	x->phase = PHASE_WAITING;
	if (delay < 0)
		hold(server, x, HOLD_RELEASE, -1);
	else if (delay > 0)
		hold(server, x, HOLD_TIME, timestamp_ticks() + delay);
	else
		return answer(server, x);
	return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data,
	size_t *size, void **context)
{
	struct server *server = cls;
	struct exchange *x = *context;

	(void)url;
	(void)version;
	switch (x->phase) {
	case PHASE_HEADERS:
		exchange_meet(x, connection, method);
		x->server = server;
		x->phase = PHASE_BODY;
		return MHD_YES;
	case PHASE_BODY:
		if (*size == 0)
			return begin(server, x);
		if (x->upload.n + *size > UPLOAD_MAX)
			return MHD_NO;
		text_add(&x->upload, data, *size);
		*size = 0;
		return MHD_YES;
	case PHASE_WAITING:
		return answer(server, x);
	case PHASE_ANSWERED:
		break;
	}
	return MHD_NO;
}

/* Only here does MHD pass the URI as received; later it is decoded. */
static void *meet_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	(void)cls;
	(void)connection;
	return exchange_new(uri);
}

static void complete(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct server *server = cls;
	struct exchange *x = *context;

	(void)connection;
	if (!x)
		return;
	if (x->answer.wire.spill && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		exchange_spill(x);
	exchange_free(server->mock, x);
	*context = NULL;
}

static void count_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct server *server = cls;

	(void)connection;
	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		server->mock->log.counters.connections++;
}

/* Prevents MHD from decoding: the mock server parses paths and queries itself. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

static int start(struct server *server, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = {.events = EPOLLIN};
	const union MHD_DaemonInfo *info;

	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port,
		NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_URI_LOG_CALLBACK, meet_uri, server,
		MHD_OPTION_NOTIFY_COMPLETED, complete, server,
		MHD_OPTION_NOTIFY_CONNECTION, count_connection, server,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, server,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)1 << 17,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
	if (!server->daemon)
		return -errno;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
	server->mock->port = info->port;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	epoll_ctl(server->epoll, EPOLL_CTL_ADD, info->epoll_fd, &event);
	event.data.ptr = server;
	epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->signals, &event);
	return 0;
}

int server_new(struct mock *s, uint16_t port)
{
	struct server *server = must_alloc(sizeof(*server));
	sigset_t set;

	s->server = server;
	server->mock = s;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (server->epoll < 0 || server->signals < 0)
		return -errno;
	return start(server, port);
}

/* Returns true if a signal has arrived. */
static bool wait_for_events(struct server *server, int timeout)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(server->epoll, events, EVENTS, timeout);

	for (int i = 0; i < n; i++) {
		struct exchange *x = events[i].data.ptr;

		if (events[i].data.ptr == server)
			return true;
		if (!x)
			continue;
		x->gone = true;
		release(server, x);
	}
	return false;
}

int server_run(struct server *server)
{
	int timeout;

	do {
		MHD_UNSIGNED_LONG_LONG mhd;

		if (MHD_run(server->daemon) != MHD_YES)
			return -EIO;
		server->again = false;
		timeout = release_due(server);
		/* MHD returns 0 if it has data that it has not handled yet. */
		if (MHD_get_timeout(server->daemon, &mhd) == MHD_YES && mhd == 0)
			timeout = 0;
	} while (!wait_for_events(server, timeout));
	return 0;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	while (server->held) {
		server->held->gone = true;
		release(server, server->held);
	}
	if (server->daemon) {
		MHD_run(server->daemon);
		MHD_stop_daemon(server->daemon);
	}
	close(server->epoll);
	close(server->signals);
	free(server);
}
