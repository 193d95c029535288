/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/malloc_tuning.h"

/* SEMANTICS 11.3: freed memory is given back to the kernel. */

enum { LARGE = 1 << 20, BLOCKS = 16, NEAR = 2 * LARGE };

static uint64_t resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	char line[256];
	char *second;

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	(void)fclose(file);
	second = strchr(line, ' ');
	assert_non_null(second);
	return strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/*
 * Allocates and frees large blocks. After each of them comes a small block that stays
 * allocated, so that a heap could not shrink.
 */
static void take_and_give(void *stays[static BLOCKS])
{
	char *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(LARGE);
		assert_non_null(blocks[i]);
		memset(blocks[i], i, LARGE);
		stays[i] = malloc(64);
		assert_non_null(stays[i]);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
}

static void large_blocks_go_back(void **state)
{
	void *stays[2][BLOCKS];
	uint64_t before;

	(void)state;
	if (!malloc_in_use())
		skip(); /* a sanitizer's malloc() holds freed memory for a while */
	malloc_tuning_apply();
	before = resident();
	/*
	 * glibc raises its mmap threshold when a large block is freed, so one round is
	 * not enough.
	 */
	for (int i = 0; i < 2; i++)
		take_and_give(stays[i]);
	assert_true(resident() < before + NEAR);
	for (int i = 0; i < BLOCKS; i++) {
		free(stays[0][i]);
		free(stays[1][i]);
	}
}

static void what_is_in_use_is_counted(void **state)
{
	uint64_t before = malloc_in_use();

	(void)state;
	if (!before)
		skip();

	void *blocks[] = {malloc(LARGE), malloc(100)};

	assert_non_null(blocks[0]);
	assert_non_null(blocks[1]);
	assert_in_range(malloc_in_use() - before, LARGE + 100, LARGE + LARGE / 8);
	free(blocks[0]);
	free(blocks[1]);
	assert_true(malloc_in_use() < before + LARGE / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_blocks_go_back),
		cmocka_unit_test(what_is_in_use_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
