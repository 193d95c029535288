/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/buf.h"

/* Growing buffers with a maximum size: SEMANTICS 11.3. */

static void test_empty(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf_append(&buf, "", 0), 0);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf.data, "");
	buf_done(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.max, 10);
	buf_done(&buf);
}

static void test_append(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(buf_append_str(&buf, "ab"), 0);
	assert_int_equal(buf_append(&buf, "c\0d", 3), 0);
	assert_int_equal(buf_printf(&buf, "%d%s", 42, "!"), 0);
	assert_int_equal(buf.len, 8);
	assert_memory_equal(buf.data, "abc\0d42!", 9);

	char *kept = buf.data;

	buf_reset(&buf);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf.data, "");
	assert_int_equal(buf_append_str(&buf, "again"), 0);
	assert_ptr_equal(buf.data, kept);
	buf_done(&buf);
	buf_reset(&buf);
	assert_null(buf.data);
}

/* A character that the locale lacks cannot be printed. */
static void test_unprintable(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(buf_append_str(&buf, "ab"), 0);
	assert_int_equal(buf_printf(&buf, "c%lc", (wint_t)0x20ac), -EINVAL);
	assert_string_equal(buf.data, "ab");
	assert_int_equal(buf.len, 2);
	buf_done(&buf);
}

/*
 * SEMANTICS 11.3: a buffer takes exactly as many bytes as its maximum, whatever its size.
 */
static void test_maximum(void **state)
{
	static const size_t maxima[] = {0, 1, 255, 256, 257, 511, 512, 513, 1000, 100000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(maxima); i++) {
		struct buf buf;

		buf_init(&buf, maxima[i]);
		for (size_t len = 0; len < maxima[i]; len++)
			assert_int_equal(buf_append(&buf, "x", 1), 0);
		assert_int_equal(buf.len, maxima[i]);
		assert_int_equal(buf_append(&buf, "", 0), 0);
		assert_int_equal(buf_append(&buf, "y", 1), -EMSGSIZE);
		assert_int_equal(buf_append_str(&buf, "yy"), -EMSGSIZE);
		assert_int_equal(buf_printf(&buf, "%d", 1), -EMSGSIZE);
		assert_int_equal(buf.len, maxima[i]);
		assert_int_equal(strspn(buf.data, "x"), maxima[i]);
		assert_int_equal(buf.data[buf.len], '\0');
		buf_done(&buf);
	}
}

/* An append that does not fit leaves the buffer unchanged. */
static void test_failure_changes_nothing(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 5);
	assert_int_equal(buf_append_str(&buf, "abc"), 0);
	assert_int_equal(buf_append_str(&buf, "def"), -EMSGSIZE);
	assert_int_equal(buf_printf(&buf, "%s", "def"), -EMSGSIZE);
	assert_string_equal(buf.data, "abc");
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX - 2), -EMSGSIZE);
	assert_int_equal(buf_append_str(&buf, "de"), 0);
	assert_string_equal(buf.data, "abcde");
	buf_done(&buf);
}

static void test_reserve(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	assert_int_equal(buf_reserve(&buf, 1000), 0);
	assert_string_equal(buf.data, "");

	char *reserved = buf.data;

	memset(buf.data, 'x', 1000);
	buf.len = 1000;
	assert_int_equal(buf_reserve(&buf, 0), 0);
	assert_ptr_equal(buf.data, reserved);
	assert_int_equal(buf_reserve(&buf, 1), -EMSGSIZE);
	buf_done(&buf);
}

/* Size computations do not overflow if the maximum is close to SIZE_MAX. */
static void test_no_maximum(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, SIZE_MAX - 1);
	assert_int_equal(buf_append_str(&buf, "abc"), 0);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -EMSGSIZE);
	assert_string_equal(buf.data, "abc");
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_unprintable),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_failure_changes_nothing),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_no_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
