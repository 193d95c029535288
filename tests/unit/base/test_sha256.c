/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "base/sha256.h"

/*
 * Hashes that must be the same on every machine and in every version (SEMANTICS 5.2). The
 * expected values were computed with sha256sum(1), as in printf 'job\0abc' | sha256sum
 */

static const struct {
	const char *space;
	const char *text;
	const char *hex;
} digests[] = {
	{"job", "abc",
		"06491d75153259dcf8db8d7e54b56c9d3400426bf68b3b824be62a4a90967a58"},
	{"job", "45463597-20b7-4af7-b3b3-f5fb778203ab",
		"6e8d284a77d017bd287fc5769c828e1667a1a09b25e292f9c86c990df730852f"},
	{"", "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"node", "abc 1",
		"7bb2e2b635191230c3f03230658c11c103daad0182f4431eb69f3b0212650953"},
	{"key", "\xc3\xa9",
		"7483e7ca2aa3c4c8b8501095c3ee0641a3db697f2c086505e8247647c505badc"},
};

static void test_hex(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		char hex[SHA256_HEX];

		sha256_hex(digests[i].space, digests[i].text, hex);
		assert_string_equal(hex, digests[i].hex);
	}
}

/* The number consists of the first 63 bits of the hash. */
static void test_u63(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		uint64_t number = sha256_u63(digests[i].space, digests[i].text);
		char first[17] = {0};

		memcpy(first, digests[i].hex, 16);
		assert_int_equal(number, strtoull(first, NULL, 16) >> 1);
		assert_true((int64_t)number >= 0);
	}
}

/* The name space and the text are separated: ("ab", "c") and ("a", "bc") differ. */
static void test_spaces_are_apart(void **state)
{
	char one[SHA256_HEX];
	char other[SHA256_HEX];

	(void)state;
	sha256_hex("ab", "c", one);
	sha256_hex("a", "bc", other);
	assert_string_not_equal(one, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_u63),
		cmocka_unit_test(test_spaces_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
