/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "http_fixture.h"

/* http/transfer.c: the options that are set for each request. */

static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char described[] =
	"HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Encoding: identity\r\n"
	"Content-Length: 0\r\n\r\n";
static const struct raw_route routes[] = {
	{"/hello", hello, sizeof(hello) - 1, .after = RAW_KEEP},
	{"/a/../b/./c", hello, sizeof(hello) - 1, .after = RAW_KEEP},
	{"/described", described, sizeof(described) - 1, .after = RAW_KEEP},
	{.target = NULL},
};

static int set_up(void **state)
{
	*state = fixture_new(routes, NULL);
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

/* SEMANTICS 3.6: an id that looks like a part of a path is sent unchanged. */
static void paths_are_sent_as_they_are(void **state)
{
	struct http_fixture *fixture = *state;
	struct test_request *request = fixture_get(fixture, "/a/../b/./c");

	fixture_until_done(request);
	assert_int_equal(request->result.status, 200);
	assert_memory_equal(raw_server_head(fixture->server, 0), "GET /a/../b/./c ", 16);
}

/* SEMANTICS 1.6.5: --check --api reports these properties of a response. */
static void a_result_describes_the_response(void **state)
{
	struct test_request *request = fixture_get(*state, "/described");

	fixture_until_done(request);
	assert_string_equal(request->result.retry_after, "soon");
	assert_string_equal(request->result.encoding, "identity");
	assert_string_equal(request->result.version, "HTTP/1.1");
	request = fixture_get(*state, "/hello");
	fixture_until_done(request);
	assert_string_equal(request->result.retry_after, "");
	assert_string_equal(request->result.encoding, "");
}

/* Returns the client's socket of the only connection to the server. */
static int client_socket(const char *origin)
{
	enum { FD_MAX = 1024 };
	int port = atoi(strrchr(origin, ':') + 1);

	for (int fd = 0; fd < FD_MAX; fd++) {
		struct sockaddr_in peer;
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
			peer.sin_family == AF_INET && ntohs(peer.sin_port) == port)
			return fd;
	}
	fail_msg("there is no connection to %s", origin);
	return -1;
}

static int tcp_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/*
 * SEMANTICS 11.1: the kernel detects a peer that has vanished, on idle connections too.
 */
static void vanished_peers_are_noticed(void **state)
{
	struct http_fixture *fixture = *state;

	fixture_until_done(fixture_get(fixture, "/hello"));

	int fd = client_socket(raw_server_origin(fixture->server));

	assert_int_equal(tcp_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
	assert_int_equal(tcp_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 30);
	assert_int_equal(
		tcp_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), CONNECT_MS + STALL_MS);
}

/* The program is linked with --wrap=ferror: if set, files cannot be read to their end. */
static bool reading_fails;
int __real_ferror(FILE *file);
int __wrap_ferror(FILE *file);

int __wrap_ferror(FILE *file)
{
	return reading_fails || __real_ferror(file);
}

/* Only some of the certificates of a CA file are not enough. */
static void a_ca_file_is_read_to_its_end(void **state)
{
	static const char certificate[] = "-----BEGIN CERTIFICATE-----\n";
	char path[] = "/tmp/gladiafs-test-XXXXXX";
	struct http_fixture *fixture = *state;
	struct http_config config = {.ca_file = path, .connections_max = 1};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(
		write(fd, certificate, strlen(certificate)), strlen(certificate));
	close(fd);
	for (int fails = 0; fails <= 1; fails++) {
		struct http *http = NULL;

		reading_fails = fails;

		int err = http_new(fixture->loop, &config, &http);

		reading_fails = false;
		assert_int_equal(err, fails ? -EINVAL : 0);
		http_free(http);
	}
	unlink(path);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(paths_are_sent_as_they_are),
		TEST(a_result_describes_the_response),
		TEST(vanished_peers_are_noticed),
		TEST(a_ca_file_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
