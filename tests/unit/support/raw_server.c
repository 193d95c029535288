/* SPDX-License-Identifier: MIT */
#include "raw_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "patience.h"

struct raw_connection {
	struct raw_server *server;
	pthread_t thread;
	int fd;
	char input[RAW_HEAD_SIZE];
	size_t input_len;
};

struct raw_server {
	const struct raw_route *routes;
	int fd;
	pthread_t acceptor;
	char origin[64];
	sem_t steps;
	pthread_mutex_t mutex; /* protects all members below */
	pthread_cond_t came;
	bool closing;
	struct raw_connection connections[RAW_CONNECTIONS_MAX];
	int connections_len;
	int open;
	int open_at_most;
	char heads[RAW_HEADS_MAX][RAW_HEAD_SIZE];
	int heads_len;
	int answers;
	int served[RAW_ROUTES_MAX];
};

/*
 * Aborts if the condition is false. Used in the server's threads, which cannot fail a
 * test.
 */
static void must(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

/*
 * Reads the headers of the next request, NUL-terminated. Returns false if the client has
 * closed the connection.
 */
static bool read_head(struct raw_connection *connection, char *ret_head)
{
	for (;;) {
		char *input = connection->input;
		char *end = memmem(input, connection->input_len, "\r\n\r\n", 4);

		if (end) {
			size_t len = (size_t)(end - input) + 4;

			memcpy(ret_head, input, len);
			ret_head[len] = '\0';
			connection->input_len -= len;
			memmove(input, input + len, connection->input_len);
			return true;
		}

		size_t room = sizeof(connection->input) - 1 - connection->input_len;
		ssize_t got = recv(
			connection->fd, input + connection->input_len, room, 0);

		if (got <= 0)
			return false;
		connection->input_len += (size_t)got;
	}
}

static void remember(struct raw_server *server, const char *head, int together)
{
	pthread_mutex_lock(&server->mutex);
	must(server->heads_len < RAW_HEADS_MAX, "too many requests");
	strcpy(server->heads[server->heads_len++], head);
	pthread_cond_broadcast(&server->came);
	while (server->heads_len < together && !server->closing)
		pthread_cond_wait(&server->came, &server->mutex);
	pthread_mutex_unlock(&server->mutex);
}

/*
 * Counts a request for this route. Returns false if the route's `only` requests are used
 * up.
 */
static bool takes(struct raw_server *server, size_t route)
{
	must(route < RAW_ROUTES_MAX, "too many routes");
	pthread_mutex_lock(&server->mutex);

	int earlier = server->served[route]++;

	pthread_mutex_unlock(&server->mutex);
	return !server->routes[route].only || earlier < server->routes[route].only;
}

static const struct raw_route *route_of(struct raw_server *server, const char *head)
{
	const char *target = strchr(head, ' ') + 1;
	size_t len = strcspn(target, " \r");

	for (size_t i = 0; server->routes[i].target; i++) {
		const struct raw_route *route = &server->routes[i];

		if (strlen(route->target) == len && !memcmp(route->target, target, len) &&
			takes(server, i))
			return route;
	}
	return NULL;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* Sends the response. Returns true if the connection stays open. */
static bool answer(struct raw_connection *connection, const struct raw_route *route)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	char dropped[256];

	for (size_t i = 0; i == 0 || i < route->times; i++) {
		if (route->stepwise)
			sem_wait(&connection->server->steps);

		size_t from = i ? route->again_from : 0;

		if (!send_all(connection->fd, route->bytes + from, route->len - from))
			return false;
	}
	pthread_mutex_lock(&connection->server->mutex);
	connection->server->answers++;
	pthread_cond_broadcast(&connection->server->came);
	pthread_mutex_unlock(&connection->server->mutex);
	if (route->after == RAW_RESET)
		setsockopt(
			connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	while (route->after == RAW_HOLD &&
		recv(connection->fd, dropped, sizeof(dropped), 0) > 0)
		;
	return route->after == RAW_KEEP;
}

static void *serve(void *ctx)
{
	struct raw_connection *connection = ctx;
	struct raw_server *server = connection->server;
	char head[RAW_HEAD_SIZE];

	if (server->routes[0].bytes && !server->routes[0].target)
		answer(connection, &server->routes[0]);
	while (read_head(connection, head)) {
		const struct raw_route *route = route_of(server, head);

		/* A request for an unknown route closes the connection. */
		remember(server, head, route ? route->together : 0);
		if (!route || !answer(connection, route))
			break;
	}
	pthread_mutex_lock(&server->mutex);
	close(connection->fd);
	connection->fd = -1;
	server->open--;
	pthread_mutex_unlock(&server->mutex);
	return NULL;
}

static void *accept_all(void *ctx)
{
	struct raw_server *server = ctx;
	int fd;

	while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		pthread_mutex_lock(&server->mutex);
		must(server->connections_len < RAW_CONNECTIONS_MAX,
			"too many connections");

		struct raw_connection *connection =
			&server->connections[server->connections_len++];

		if (++server->open > server->open_at_most)
			server->open_at_most = server->open;
		connection->server = server;
		connection->fd = fd;
		if (pthread_create(&connection->thread, NULL, serve, connection)) {
			/*
			 * Creating a thread needs memory. Without it, close the
			 * connection.
			 */
			server->connections_len--;
			server->open--;
			close(fd);
		}
		pthread_mutex_unlock(&server->mutex);
	}
	return NULL;
}

struct raw_server *raw_server_new(const struct raw_route *routes)
{
	struct raw_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	assert_non_null(server);
	server->routes = routes;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(server->fd, RAW_CONNECTIONS_MAX), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
	snprintf(server->origin, sizeof(server->origin), "http://127.0.0.1:%d",
		ntohs(address.sin_port));
	assert_int_equal(sem_init(&server->steps, 0, 0), 0);
	pthread_mutex_init(&server->mutex, NULL);
	pthread_cond_init(&server->came, NULL);
	assert_int_equal(pthread_create(&server->acceptor, NULL, accept_all, server), 0);
	return server;
}

void raw_server_free(struct raw_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->acceptor, NULL);
	close(server->fd);

	pthread_mutex_lock(&server->mutex);
	server->closing = true;
	pthread_cond_broadcast(&server->came);
	for (int i = 0; i < server->connections_len; i++) {
		if (server->connections[i].fd >= 0)
			shutdown(server->connections[i].fd, SHUT_RDWR);
		sem_post(&server->steps);
	}
	pthread_mutex_unlock(&server->mutex);
	for (int i = 0; i < server->connections_len; i++)
		pthread_join(server->connections[i].thread, NULL);
	pthread_cond_destroy(&server->came);
	pthread_mutex_destroy(&server->mutex);
	sem_destroy(&server->steps);
	free(server);
}

const char *raw_server_origin(const struct raw_server *server)
{
	return server->origin;
}

void raw_server_step(struct raw_server *server)
{
	sem_post(&server->steps);
}

void raw_server_await_answers(struct raw_server *server, int count)
{
	const struct patience patience = patience_begin();
	int err = 0;

	pthread_mutex_lock(&server->mutex);
	while (server->answers < count && !err)
		err = pthread_cond_clockwait(
			&server->came, &server->mutex, CLOCK_MONOTONIC, &patience.end);
	pthread_mutex_unlock(&server->mutex);
	assert_int_equal(err, 0);
}

static int read_count(struct raw_server *server, const int *count)
{
	pthread_mutex_lock(&server->mutex);

	int value = *count;

	pthread_mutex_unlock(&server->mutex);
	return value;
}

int raw_server_connections(struct raw_server *server)
{
	return read_count(server, &server->connections_len);
}

int raw_server_open_at_most(struct raw_server *server)
{
	return read_count(server, &server->open_at_most);
}

int raw_server_requests(struct raw_server *server)
{
	return read_count(server, &server->heads_len);
}

const char *raw_server_head(struct raw_server *server, int index)
{
	assert_true(index < raw_server_requests(server));
	return server->heads[index];
}
