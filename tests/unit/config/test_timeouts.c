/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/errmsg.h"
#include "config/timeouts.h"

/*
 * SEMANTICS 11.1: every wait ends after timeout=, and before the kernel aborts the
 * request.
 */

static char root[] = "/tmp/gladiafs-deadline-XXXXXX";

static const char *in_root(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static int begin(void **state)
{
	(void)state;
	strcpy(root + strlen(root) - 6, "XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	unlink(in_root("default_request_timeout"));
	unlink(in_root("max_request_timeout"));
	return rmdir(root);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_root(name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The message must name `named`; NULL: there must be no message. */
static void assert_lowered(int64_t timeout_ms, int64_t wanted_ms, const char *named)
{
	struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(timeout_of_requests(timeout_ms, root, &errmsg), wanted_ms);
	if (!named)
		assert_int_equal(errmsg.len, 0);
	else
		assert_true(errmsg.data && strstr(errmsg.data, named));
	buf_done(&errmsg);
}

static void test_no_limit(void **state)
{
	static const char *const none[] = {
		"0\n", "", "\n", "-5\n", "words\n", "99999999999999999999999\n"};

	(void)state;
	assert_lowered(30000, 30000, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		put("default_request_timeout", none[i]);
		put("max_request_timeout", none[i]);
		assert_lowered(30000, 30000, NULL);
	}
}

static void test_limits(void **state)
{
	(void)state;
	put("default_request_timeout", "20\n");
	assert_lowered(30000, 19000, "default_request_timeout");
	assert_lowered(19000, 19000, NULL);
	assert_lowered(5000, 5000, NULL);
	/* If both limits are set, the lower one applies. */
	put("max_request_timeout", "10\n");
	assert_lowered(30000, 9000, "max_request_timeout");
	put("max_request_timeout", "60\n");
	assert_lowered(30000, 19000, "default_request_timeout");
	put("default_request_timeout", "0\n");
	assert_lowered(300000, 59000, "max_request_timeout");
	/* Very short timeouts are halved. */
	put("max_request_timeout", "2\n");
	assert_lowered(30000, 1000, "max_request_timeout");
	put("max_request_timeout", "1\n");
	assert_lowered(30000, 500, "max_request_timeout");
}

/* An API call times out before its request does, so that its own error is reported. */
static void test_calls(void **state)
{
	(void)state;
	assert_int_equal(timeout_of_calls(30000), 29750);
	assert_int_equal(timeout_of_calls(1000), 900);
	assert_int_equal(timeout_of_calls(500), 450);
}

static void test_message(void **state)
{
	struct buf errmsg;
	char wanted[ERRMSG_MAX];

	(void)state;
	put("default_request_timeout", "20\n");
	put("max_request_timeout", "0\n");
	snprintf(wanted, sizeof(wanted),
		"system calls wait 19000 ms at most, not 30000 (timeout=): this system "
		"aborts mounts that take longer than 20 s (%s/default_request_timeout)",
		root);
	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(timeout_of_requests(30000, root, &errmsg), 19000);
	assert_string_equal(errmsg.data, wanted);
	buf_done(&errmsg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_limit, begin, end),
		cmocka_unit_test_setup_teardown(test_limits, begin, end),
		cmocka_unit_test_setup_teardown(test_message, begin, end),
		cmocka_unit_test_setup_teardown(test_calls, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
