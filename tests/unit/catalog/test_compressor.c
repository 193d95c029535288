/* SPDX-License-Identifier: MIT */
#include "catalog/compressor.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

/* The queue of chunks that are compressed in the background. */

enum { CHUNKS = 1000 };

static char chunk[CHUNK_SIZE];

/* Makes a chunk that differs for each number; some of them cannot be compressed. */
static size_t make_chunk(int number)
{
	size_t len = (size_t)number * 7919 % CHUNK_SIZE + 1;
	unsigned random = (unsigned)number;

	if (number % 50 == 0)
		len = CHUNK_SIZE;
	for (size_t i = 0; i < len; i++) {
		random = random * 1664525 + 1013904223;
		chunk[i] = number % 3 ? (char)('a' + (i / 40 + (size_t)number) % 26)
				      : (char)(2 + (random >> 16) % 254);
	}
	return len;
}

/* Takes the oldest chunk, which must be that of `number`. */
static void take(struct compressor *compressor, int number)
{
	int64_t taken;
	const char *stored;
	size_t len;

	assert_true(compressor_take(compressor, &taken, &stored, &len));
	assert_int_equal(taken, number);

	size_t expected = make_chunk(number);

	assert_true(len <= expected);
	if (number % 3 && expected > 1000)
		assert_true(len < expected / 10);
	stored = compressor_unpack(compressor, stored, len, &len);
	assert_non_null(stored);
	assert_int_equal(len, expected);
	assert_memory_equal(stored, chunk, len);
}

/* Chunks are returned in order, however many are in the queue; a full one refuses more.
 */
static void test_order(void **state)
{
	struct compressor *compressor;
	int64_t number;
	const char *stored;
	size_t len;
	int taken = 0;

	(void)state;
	assert_int_equal(compressor_new(&compressor), 0);
	assert_false(compressor_take(compressor, &number, &stored, &len));
	for (int put = 0; put < CHUNKS;) {
		len = make_chunk(put);
		if (compressor_put(compressor, put, chunk, len))
			put++;
		else
			take(compressor, taken++);
		while (put % 13 == 0 && taken < put)
			take(compressor, taken++);
	}
	while (taken < CHUNKS)
		take(compressor, taken++);
	assert_false(compressor_take(compressor, &number, &stored, &len));
	compressor_free(compressor);
	compressor_free(NULL);
}

/* A queue that is not empty can be freed. */
static void test_free_early(void **state)
{
	struct compressor *compressor;

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(compressor_new(&compressor), 0);
		for (int put = 0; put < i; put++)
			compressor_put(compressor, put, chunk, make_chunk(put));
		compressor_free(compressor);
	}
}

/* No change of a stored chunk results in other bytes, nor in more than CHUNK_SIZE. */
static void test_damage(void **state)
{
	struct compressor *compressor;
	char copy[CHUNK_SIZE];
	const char *stored;
	int64_t number;
	size_t len;
	size_t size = make_chunk(1);

	(void)state;
	assert_int_equal(compressor_new(&compressor), 0);
	assert_true(compressor_put(compressor, 1, chunk, size));
	assert_true(compressor_take(compressor, &number, &stored, &len));
	for (size_t i = 1; i < len; i++) {
		size_t unpacked;

		memcpy(copy, stored, len);
		copy[i] = (char)(copy[i] ^ 1 << i % 8);

		const char *got = compressor_unpack(compressor, copy, len, &unpacked);

		if (!got)
			continue;
		assert_int_equal(unpacked, size);
		assert_memory_equal(got, chunk, size);
	}
	for (size_t cut = 1; cut < len; cut++) {
		size_t unpacked = 0;

		assert_true(!compressor_unpack(compressor, stored, cut, &unpacked) ||
			    !unpacked);
	}
	compressor_free(compressor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_free_early),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
