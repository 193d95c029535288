/* SPDX-License-Identifier: MIT */
/*
 * SEMANTICS 1.3: the service manager is notified when the mount can be used, and when it
 * ends.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmocka.h"

#include "process/systemd.h"

/* Opens a notify socket with an abstract address instead of a file ("@...", unix(7)). */
static int listen_as_manager(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[sizeof(address.sun_path) + 1];

	assert_true(fd >= 0);
	/* The kernel chooses a free address. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(name, sizeof(name), "@%.*s",
		(int)(len - offsetof(struct sockaddr_un, sun_path) - 1),
		address.sun_path + 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void assert_heard(int fd, const char *expected)
{
	char news[64] = "";
	ssize_t got = recv(fd, news, sizeof(news) - 1, 0);

	assert_int_equal(got, (ssize_t)strlen(expected));
	assert_string_equal(news, expected);
}

static void test_both(void **state)
{
	(void)state;
	int fd = listen_as_manager();

	assert_int_equal(systemd_ready(), 0);
	assert_heard(fd, "READY=1");
	assert_int_equal(systemd_stopping(), 0);
	assert_heard(fd, "STOPPING=1");
	close(fd);
}

static void test_no_notify_socket(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(systemd_ready(), 0);
	assert_int_equal(systemd_stopping(), 0);
}

static void test_no_listener(void **state)
{
	(void)state;
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	assert_int_equal(systemd_ready(), -ENOENT);
	setenv("NOTIFY_SOCKET", "neither path nor name", 1);
	assert_true(systemd_ready() < 0);
	unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_no_notify_socket),
		cmocka_unit_test(test_no_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
