/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/percent.h"

static void test_every_byte(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char text[PERCENT_LEN];

		assert_ptr_equal(percent_encode((char)byte, text), text + PERCENT_LEN);
		assert_int_equal(text[0], '%');
		assert_int_equal(percent_decode(text, sizeof(text)), byte);
	}
	assert_int_equal(percent_decode("%e2", 3), 0xe2);
	assert_int_equal(percent_decode("%E2rest", 7), 0xe2);
}

static void test_other_texts(void **state)
{
	static const char *const texts[] = {
		"", "%", "%4", "41", "%4g", "%g4", "%%41", "x41", "% 4", "%+4", "%0x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(percent_decode(texts[i], strlen(texts[i])), -1);
	assert_int_equal(percent_decode("%41", 2), -1);
}

static void test_whole_texts(void **state)
{
	char out[5];
	size_t len = 99;

	(void)state;
	assert_int_equal(percent_decode_text("", 0, out, 4, &len), 0);
	assert_int_equal(len, 0);
	assert_string_equal(out, "");
	assert_int_equal(percent_decode_text("a%41%e2b", 8, out, 4, &len), 0);
	assert_int_equal(len, 4);
	assert_string_equal(out, "aA\xe2"
				 "b");
	assert_int_equal(percent_decode_text("\xff%00", 4, out, 4, &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(out, "\xff\0", 3);
	len = 99;
	assert_int_equal(percent_decode_text("a%41%e2b", 8, out, 3, &len), -EINVAL);
	assert_int_equal(percent_decode_text("a%41", 3, out, 4, &len), -EINVAL);
	assert_int_equal(percent_decode_text("%4g", 3, out, 4, &len), -EINVAL);
	assert_int_equal(len, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_other_texts),
		cmocka_unit_test(test_whole_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
