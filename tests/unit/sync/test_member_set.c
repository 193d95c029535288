/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "base/array.h"
#include "sync/member_set.h"

/* A set has each member once, at a fixed position: SEMANTICS 6.3, 6.4. */

enum { MANY = 200000 };

static void test_empty(void **state)
{
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	assert_int_equal(snapshot.len, 0);
	assert_false(member_set_has(&snapshot, 1));
	assert_false(member_set_has_in(&snapshot, 1, 0));
	member_set_seal(&snapshot);
	assert_int_equal(snapshot.len, 0);
	member_set_done(&snapshot);
	member_set_done(&snapshot);
}

/* SEMANTICS 6.3: each number becomes a member once. */
static void test_spec_6_3_once(void **state)
{
	static const int64_t seen[] = {7, 3, 7, 9, 3, INT64_MAX, 7, INT64_MAX};
	static const int64_t emitted[] = {7, 3, 9, INT64_MAX};
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_int_equal(member_set_add(&snapshot, seen[i], 0, true), 0);
	assert_int_equal(snapshot.len, 4);
	assert_memory_equal(snapshot.members, emitted, sizeof(emitted));
	assert_true(member_set_has(&snapshot, 9));
	assert_false(member_set_has(&snapshot, 8));
	member_set_done(&snapshot);
}

/* A number that was seen without becoming a member never becomes one. */
static void test_seen_but_no_member(void **state)
{
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	assert_int_equal(member_set_add(&snapshot, 5, 0, false), 0);
	assert_int_equal(snapshot.len, 0);
	assert_true(member_set_has(&snapshot, 5));
	assert_int_equal(member_set_add(&snapshot, 5, 0, true), 0);
	assert_int_equal(snapshot.len, 0);
	member_set_done(&snapshot);
}

static void test_parts(void **state)
{
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	assert_int_equal(member_set_add(&snapshot, 5, 1, true), 0);
	assert_true(member_set_has_in(&snapshot, 5, 1));
	assert_false(member_set_has_in(&snapshot, 5, 2));
	assert_false(member_set_has_in(&snapshot, 6, 0));
	assert_int_equal(member_set_add(&snapshot, 5, 255, true), 0);
	assert_false(member_set_has_in(&snapshot, 5, 1));
	assert_true(member_set_has_in(&snapshot, 5, 255));
	assert_int_equal(snapshot.len, 1);
	member_set_done(&snapshot);
}

/*
 * Returns the n-th of MANY numbers: far apart, close together, or with equal hash slots.
 */
static int64_t number_of(int64_t n)
{
	switch (n % 3) {
	case 0:
		return n + 1;
	case 1:
		return (n + 1) << 40;
	default:
		return (int64_t)((uint64_t)n * 0x9e3779b97f4a7c15u >> 1) | 1ll << 61;
	}
}

/* SEMANTICS 6.4: a position refers to the same member while the set grows, and after. */
static void test_spec_6_4_positions_stay(void **state)
{
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	for (int64_t n = 0; n < MANY; n++) {
		assert_int_equal(
			member_set_add(&snapshot, number_of(n), (uint8_t)n, true), 0);
		assert_int_equal(snapshot.len, n + 1);
		assert_int_equal(snapshot.members[n / 2], number_of(n / 2));
	}
	for (int64_t n = 0; n < MANY; n++)
		assert_true(member_set_has_in(&snapshot, number_of(n), (uint8_t)n));
	assert_false(member_set_has(&snapshot, number_of(MANY)));
	member_set_seal(&snapshot);
	assert_int_equal(snapshot.len, MANY);
	assert_int_equal(snapshot.cap, MANY);
	for (int64_t n = 0; n < MANY; n++)
		assert_int_equal(snapshot.members[n], number_of(n));
	member_set_done(&snapshot);
	assert_null(snapshot.members);
}

/* SEMANTICS 11.3: a set that has reached the maximum does not grow. */
static void test_spec_11_3_maximum(void **state)
{
	struct member_set snapshot;

	(void)state;
	member_set_init(&snapshot);
	assert_int_equal(member_set_add(&snapshot, 1, 0, true), 0);

	size_t len = snapshot.seen_len;

	/* Instead of sixteen million calls. */
	snapshot.seen_len = MEMBER_SET_MAX;
	assert_int_equal(member_set_add(&snapshot, 2, 0, true), -EFBIG);
	snapshot.seen_len = len;
	assert_false(member_set_has(&snapshot, 2));
	assert_int_equal(snapshot.len, 1);
	member_set_done(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_spec_6_3_once),
		cmocka_unit_test(test_seen_but_no_member),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_spec_6_4_positions_stay),
		cmocka_unit_test(test_spec_11_3_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
