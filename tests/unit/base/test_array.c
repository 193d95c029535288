/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "cmocka.h"

#include "base/array.h"

void *__real_reallocarray(void *array, size_t count, size_t size);
void *__wrap_reallocarray(void *array, size_t count, size_t size);

/* Fails if the size overflows, as the C library does; ASan would end the program. */
void *__wrap_reallocarray(void *array, size_t count, size_t size)
{
	return count > SIZE_MAX / size ? NULL : __real_reallocarray(array, count, size);
}

/* Elements keep their values while the array grows, and few calls of realloc() suffice.
 */
static void it_doubles(void **state)
{
	unsigned *numbers = NULL;
	size_t cap = 0;
	unsigned grown = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		size_t before = cap;

		assert_int_equal(ARRAY_RESERVE(numbers, cap, i + 1), 0);
		grown += cap != before;
		numbers[i] = i;
	}
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(numbers[i], i);
	assert_in_range(grown, 2, 14);
	free(numbers);
}

/* An array that cannot grow stays as it was. */
static void no_memory(void **state)
{
	int64_t *numbers = NULL;
	size_t cap = 0;

	(void)state;
	assert_int_equal(ARRAY_RESERVE(numbers, cap, 1), 0);
	numbers[0] = 42;

	size_t before = cap;

	/* The size in bytes exceeds a size_t. */
	assert_int_equal(ARRAY_RESERVE(numbers, cap, SIZE_MAX / 4), -ENOMEM);
	assert_int_equal(cap, before);
	assert_int_equal(numbers[0], 42);
	free(numbers);
}

static void rows_are_appended(void **state)
{
	static const int64_t more[] = {3, 1, 2};
	struct rows rows = {0};

	(void)state;
	assert_int_equal(rows_append(&rows, NULL, 0), 0);
	assert_int_equal(rows.len, 0);
	assert_non_null(rows.rows);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rows_append(&rows, more, 3), 0);
	assert_int_equal(rows.len, 300);
	for (size_t i = 0; i < rows.len; i++)
		assert_int_equal(rows.rows[i], more[i % 3]);
	rows_done(&rows);
	assert_null(rows.rows);
	assert_int_equal(rows.len + rows.cap, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_doubles),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(rows_are_appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
