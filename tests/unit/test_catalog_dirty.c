/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalog_kit.h"

/* A machine that goes down while a catalog is in use (SPEC 7.4): of what was not synced
 * nothing is believed. */

#define IS_DIRTY "SELECT dirty != '' FROM totals"

static struct catalog *open_in(struct kit *kit, const char *boot)
{
	kit->boot = boot;
	return kit_open(kit, KIT_NO_MAX);
}

static struct catalog *open_and_put(struct kit *kit, const char *boot, const char *id)
{
	struct catalog *catalog = open_in(kit, boot);

	kit_put(catalog, id, JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	return catalog;
}

static bool has(struct catalog *catalog, const char *id)
{
	struct catalog_job job;
	int err = jobs_by_id(catalog, id, &job);

	assert_true(err == 0 || err == -ENOENT);
	return err == 0;
}

/* Leaves the file as it is while it is in use. */
static void go_down(struct kit *kit, struct catalog *catalog)
{
	char copy[128];
	char command[512];

	snprintf(copy, sizeof(copy), "%s", kit_beside(kit, ".copy"));
	snprintf(command, sizeof(command), "cp '%s' '%s'", kit->path, copy);
	assert_int_equal(system(command), 0);
	catalog_close(catalog);
	assert_int_equal(rename(copy, kit->path), 0);
}

static void test_spec_7_4_the_machine_went_down(void **state)
{
	struct kit *kit = *state;

	go_down(kit, open_and_put(kit, "host 1", "a"));

	struct catalog *catalog = open_in(kit, "host 2");

	assert_int_equal(kit_heard(kit, "was in use when the machine went down"), 1);
	assert_false(has(catalog, "a"));
	assert_int_equal(access(kit_beside(kit, ".damaged"), F_OK), 0);
	kit_put(catalog, "b", JOB_DONE, "text");
	catalog_close(catalog);
	catalog = open_in(kit, "host 3");
	assert_true(has(catalog, "b"));
	catalog_close(catalog);
	assert_int_equal(kit_heard(kit, ""), 0);
}

/* SPEC 11.4: the process alone was killed; and what another machine has in use, or may
 * have (a home that two share). */
static void test_only_the_process_went(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {
		{"host 1", "host 1"},
		{"host 1", "other 1"},
		{"host 1", "other 2"},
		{"host 1", ""},
		{"", "host 1"},
	};
	struct kit *kit = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		go_down(kit, open_and_put(kit, cases[i].before, "a"));

		struct catalog *catalog = open_in(kit, cases[i].after);

		assert_true(has(catalog, "a"));
		assert_int_equal(kit_heard(kit, ""), 0);
		catalog_close(catalog);
		unlink(kit->path);
	}
}

/* SPEC 7.4: one of two mounts ends; what the other writes afterwards is not synced. */
static void test_another_goes_on(void **state)
{
	struct kit *kit = *state;
	struct catalog *one = open_and_put(kit, "host 1", "a");
	struct catalog *two = open_and_put(kit, "host 1", "b");

	assert_int_equal(kit_sql(kit, IS_DIRTY), 1);
	catalog_close(one);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 0);
	assert_true(has(two, "a"));
	kit_put(two, "c", JOB_DONE, "text");
	assert_int_equal(catalog_commit(two), 0);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 1);
	go_down(kit, two);
	two = open_in(kit, "host 2");
	assert_int_equal(kit_heard(kit, "went down"), 1);
	assert_false(has(two, "a"));
	catalog_close(two);
}

/* SPEC 1.5: nobody waits for a slow disk; then the next boot begins anew. */
static void test_slow_disk(void **state)
{
	struct kit *kit = *state;
	struct catalog *catalog = open_and_put(kit, "host 1", "a");

	kit->look_ms = 400;
	catalog_close(catalog);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 1);
	catalog = open_in(kit, "host 1");
	assert_true(has(catalog, "a"));
	kit->look_ms = 0;
	catalog_close(catalog);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 0);
}

/* SPEC 7.4: a full disk: what is there is read, and nothing is written without the mark.
 */
static void test_full_disk(void **state)
{
	struct kit *kit = *state;
	struct rlimit before;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	catalog_close(open_and_put(kit, "host 1", "a"));

	struct rlimit limit = {0, before.rlim_max};
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

	struct catalog *catalog = open_in(kit, "host 2");
	struct job job = kit_job("b", JOB_DONE);
	struct catalog_job stored;
	enum catalog_change change;

	assert_true(has(catalog, "a"));
	assert_int_equal(jobs_put(catalog, &job, "text", 4, &change, &stored), -EIO);
	/* stderr is a file, too. */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 0);
	kit_put(catalog, "b", JOB_DONE, "text");
	assert_int_equal(catalog_commit(catalog), 0);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 1);
	catalog_close(catalog);
}

/* The system's own boot: what Linux gives is the same for all processes. */
static void test_system(void **state)
{
	struct kit *kit = *state;
	struct catalog *catalog = open_and_put(kit, NULL, "a");

	assert_int_equal(kit_sql(kit, IS_DIRTY), 1);
	go_down(kit, catalog);
	catalog = open_in(kit, NULL);
	assert_true(has(catalog, "a"));
	catalog_close(catalog);
	assert_int_equal(kit_sql(kit, IS_DIRTY), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(test_spec_7_4_the_machine_went_down),
		KIT_TEST(test_only_the_process_went),
		KIT_TEST(test_another_goes_on),
		KIT_TEST(test_slow_disk),
		KIT_TEST(test_full_disk),
		KIT_TEST(test_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
