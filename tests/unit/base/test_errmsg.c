/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/errmsg.h"

/* Error messages for users: SEMANTICS 1.3.3. */

static void a_message_is_one_line(void **state)
{
	struct buf errmsg;

	(void)state;
	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(
		errmsg_set(&errmsg, -EIO, "%s\n%c%d~ \x7f", "a", '\x1f', 7), -EIO);
	assert_string_equal(errmsg.data, "a??7~ ?");
	assert_int_equal(errmsg.len, 7);
	assert_int_equal(errmsg_set(&errmsg, 3, "\xc3\xa4"), 3);
	assert_string_equal(errmsg.data, "\xc3\xa4");
	assert_int_equal(errmsg.len, 2);
	buf_done(&errmsg);
}

static void a_long_message_is_truncated(void **state)
{
	struct buf errmsg;

	(void)state;
	buf_init(&errmsg, 5);
	for (size_t len = 3; len < 8; len++) {
		errmsg_set(&errmsg, -EIO, "%.*s", (int)len, "1234567");
		assert_int_equal(errmsg.len, len < 5 ? len : 5);
		assert_memory_equal(errmsg.data, "12345", errmsg.len);
		assert_int_equal(strlen(errmsg.data), errmsg.len);
	}
	buf_done(&errmsg);
}

/* Once the maximum is reserved, a message is written without an allocation. */
static void no_memory_is_needed(void **state)
{
	struct buf errmsg;

	(void)state;
	buf_init(&errmsg, ERRMSG_MAX);
	assert_int_equal(buf_reserve(&errmsg, ERRMSG_MAX), 0);

	const char *data = errmsg.data;

	errmsg_set(&errmsg, -EIO, "%2047d", 1);
	assert_int_equal(errmsg.len, 2047);
	assert_ptr_equal(errmsg.data, data);
	buf_done(&errmsg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_line),
		cmocka_unit_test(a_long_message_is_truncated),
		cmocka_unit_test(no_memory_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
