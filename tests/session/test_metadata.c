/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/* Below metadata/, a key or a value is a directory if a job has it (SEMANTICS 3.3). */

static void add(struct mount *mount, unsigned number, const char *metadata)
{
	fake_add(mount->api, job_id(number).text, JOB_DONE,
		MOUNT_WALL_MS - number * INT64_C(1000))
		->metadata = metadata;
}

static struct mount *shop_new(void)
{
	struct mount *mount = mount_new();

	add(mount, 1, "\ncustomer=acme\ntags=b\ntags=a\n");
	add(mount, 2, "\ncustomer=Zo%C3%AB\norder=7\n%2Egit=%2E.\na.b=c%2Cd\n");
	fake_add(mount->api, job_id(3).text, JOB_ERROR, MOUNT_DAY_MS - 1)->metadata =
		"\nuser=John%20Doe\n";
	return mount;
}

/* Looks up a path, all of whose names but the last must exist. */
static int look_up(
	struct mount *mount, const char *path, struct fuse_entry_out *ret_entry)
{
	const char *name = strrchr(path, '/') + 1;
	char above[256];

	memcpy(above, path, (size_t)(name - path));
	above[name - path - 1] = '\0';
	return kernel_lookup(
		mount->kernel, kernel_walk(mount->kernel, above), name, ret_entry);
}

static void assert_there(struct mount *mount, const char *path, bool there)
{
	struct fuse_entry_out entry;

	assert_int_equal(look_up(mount, path, &entry), 0);
	if ((entry.nodeid != 0) != there)
		fail_msg("%s is %s", path, there ? "not there" : "there");
	if (there)
		assert_true(S_ISDIR(entry.attr.mode));
	/* A new job can have this name, so the kernel must not cache the absence. */
	else
		assert_int_equal(entry.entry_valid + entry.entry_valid_nsec, 0);
}

/* SEMANTICS 3.3.3, 10.1: `find metadata/usr/John Doe -delete` must not succeed. */
static void keys_and_values_without_jobs_are_absent(void **state)
{
	static const struct {
		const char *path;
		bool there;
	} paths[] = {
		{"metadata/user", true},
		{"metadata/usr", false},
		{"metadata/User", false},
		{"metadata/use", false},
		{"metadata/users", false},
		{"metadata/autorun.inf", false},
		{"metadata/HEAD", false},
		{"metadata/%2Egit", true},
		{"metadata/a", false},
		{"metadata/a.b", true},
		{"metadata/John Doe", false},
		{"metadata/user/John Doe", true},
		{"metadata/user/John", false},
		{"metadata/user/john doe", false},
		{"metadata/user/acme", false},
		{"metadata/customer/acme,Zo\xc3\xab", true},
		{"metadata/customer/acme,Zoe", false},
		{"metadata/customer/x,acme", false},
		{"metadata/%2Egit/%2E.", true},
		{"metadata/a.b/c%2Cd", true},
		{"metadata/a.b/d", false},
		{"metadata/tags/a,b", true},
	};
	struct mount *mount = shop_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_there(mount, paths[i].path, paths[i].there);
	/* One listing of all jobs answers every lookup. */
	assert_int_equal(mount->api->lists, 1);
	assert_int_equal(mount->api->gets, 0);
	mount_free(mount);
}

/*
 * SEMANTICS 3.2, 3.3: a name exists if a job of the parent directory has it, as in a
 * listing of that directory.
 */
static void within_other_filters(void **state)
{
	static const struct {
		const char *path;
		bool there;
	} paths[] = {
		{"status/error/metadata/user", true},
		{"status/error/metadata/customer", false},
		{"status/done/metadata/user", false},
		{"date/2026-04-01/metadata/customer", true},
		{"date/2026-04-01/metadata/user", false},
		{"date/1999-01-01/metadata/customer", false},
		{"metadata/customer/acme/metadata/tags", true},
		{"metadata/customer/acme/metadata/order", false},
		{"metadata/customer/acme/metadata/tags/b", true},
		{"metadata/customer/acme/metadata/tags/c", false},
		/* Filters other than metadata are always directories, whether a job
		 * matches or not. */
		{"metadata/customer/acme/status", true},
		{"metadata/customer/acme/status/error", true},
		{"metadata/customer/acme/status/error/date/1999-01-01", true},
	};
	struct mount *mount = shop_new();
	struct fuse_entry_out entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		assert_there(mount, paths[i].path, paths[i].there);

	unsigned lists = mount->api->lists;

	/* No job can match, so the API is never asked. */
	assert_int_equal(
		look_up(mount, "status/done/status/error/metadata/user", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_true(entry.entry_valid > MOUNT_TTL_MS / 1000);
	assert_int_equal(mount->api->lists, lists);
	mount_free(mount);
}

/*
 * SEMANTICS 3.3.4: a lookup costs nothing while the listing is fresh, and its answer is
 * cached for the rest of the ttl.
 */
static void as_old_as_the_listing(void **state)
{
	enum { AGE_S = 20 };
	struct mount *mount = shop_new();
	struct fuse_entry_out entry;

	(void)state;
	assert_there(mount, "metadata/user/John Doe", true);
	mount_forward(mount, AGE_S * 1000);
	assert_int_equal(look_up(mount, "metadata/user", &entry), 0);
	assert_int_equal(entry.entry_valid, MOUNT_TTL_MS / 1000 - AGE_S);
	assert_there(mount, "metadata/new", false);
	assert_int_equal(mount->api->lists, 1);

	add(mount, 4, "\nnew=value\n");
	fake_remove(mount->api, job_id(3).text);
	assert_there(mount, "metadata/new", false);
	assert_int_equal(mount->api->lists, 1);
	mount_forward(mount, MOUNT_TTL_MS - AGE_S * 1000);
	assert_there(mount, "metadata/new/value", true);
	assert_there(mount, "metadata/user", false);
	assert_int_equal(mount->api->lists, 2);
	mount_free(mount);
}

/*
 * SEMANTICS 3.3.5: a lookup waits for the listing as `ls` does, but only until it has
 * seen the name.
 */
static void waits_until_it_is_seen(void **state)
{
	enum { JOBS = 100 };
	static const struct mount_options options = {.page_size = 10};
	struct mount *mount = mount_new_with(&options);
	struct kernel *kernel = mount->kernel;
	uint64_t metadata = kernel_walk(kernel, "metadata");
	struct fuse_entry_out entry;
	uint64_t absent;

	(void)state;
	mount_add_jobs(mount, 10, 10 + JOBS - 1);
	add(mount, 9, "\nfirst=1\n");
	add(mount, 25, "\nsecond=2\n");
	mount->stalled = true;
	absent = kernel_ask_lookup(kernel, metadata, "absent");
	assert_false(kernel_is_answered(kernel, absent));
	fake_answer(fake_call(mount->api, 0));
	assert_false(kernel_is_answered(kernel, absent));
	assert_int_equal(kernel_lookup(kernel, metadata, "first", &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	assert_false(kernel_is_answered(
		kernel, kernel_ask_lookup(kernel, metadata, "second")));
	mount->stalled = false;
	assert_int_equal(kernel_answer(kernel, absent, &entry, sizeof(entry)), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(kernel_lookup(kernel, metadata, "second", &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	assert_in_range(mount->api->lists, 10, 20);
	kernel_drop_answers(kernel);
	mount_free(mount);
}

/*
 * SEMANTICS 3.3.6, 6.1: if the listing fails, the lookup returns that error instead of
 * ENOENT.
 */
static void a_failed_listing_is_its_error(void **state)
{
	static const int errors[] = {-EACCES, -EBUSY, -EHOSTUNREACH, -EIO};
	struct mount *mount = shop_new();
	struct kernel *kernel = mount->kernel;
	uint64_t metadata = kernel_walk(kernel, "metadata");
	struct fuse_entry_out entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		uint64_t number;

		mount->stalled = true;
		number = kernel_ask_lookup(kernel, metadata, "absent");
		assert_false(kernel_is_answered(kernel, number));
		fake_fail(fake_call(mount->api, 0), errors[i], "test: it fails");
		assert_int_equal(kernel_answer(kernel, number, NULL, 0), errors[i]);
	}
	mount->stalled = false;
	assert_int_equal(kernel_lookup(kernel, metadata, "user", &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	mount_free(mount);
}

/* SEMANTICS 11.1: if the kernel looks up a name twice, its caller waits only once. */
static void the_second_lookup_does_not_wait(void **state)
{
	struct mount *mount = shop_new();
	struct kernel *kernel = mount->kernel;
	uint64_t metadata = kernel_walk(kernel, "metadata");
	uint64_t number;

	(void)state;
	mount->stalled = true;
	number = kernel_ask_lookup(kernel, metadata, "absent");
	assert_false(kernel_is_answered(kernel, number));
	mount_forward(mount, MOUNT_TIMEOUT_MS);
	assert_int_equal(kernel_answer(kernel, number, NULL, 0), -ETIMEDOUT);
	number = kernel_ask_lookup(kernel, metadata, "absent");
	assert_int_equal(kernel_answer(kernel, number, NULL, 0), -ETIMEDOUT);
	/* The listing continues for the next caller. */
	mount->stalled = false;
	assert_there(mount, "metadata/absent", false);
	mount_free(mount);
}

/*
 * SEMANTICS 10.1: after the last job with a value is deleted here, the next lookup of the
 * value finds nothing.
 */
static void the_last_job_is_deleted_here(void **state)
{
	static const struct mount_options options = {.allow_delete = true};
	struct mount *mount = mount_new_with(&options);
	uint64_t number;

	(void)state;
	add(mount, 1, "\ncustomer=acme\n");
	add(mount, 2, "\ncustomer=zoe\n");
	assert_there(mount, "metadata/customer/acme", true);
	number = kernel_ask(mount->kernel, FUSE_UNLINK,
		kernel_walk(mount->kernel, "metadata/customer/acme"), NULL, 0,
		job_file(1).text);
	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), 0);
	assert_there(mount, "metadata/customer/acme", false);
	assert_there(mount, "metadata/customer/zoe", true);
	assert_int_equal(mount->api->lists, 1);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_values_without_jobs_are_absent),
		cmocka_unit_test(within_other_filters),
		cmocka_unit_test(as_old_as_the_listing),
		cmocka_unit_test(waits_until_it_is_seen),
		cmocka_unit_test(a_failed_listing_is_its_error),
		cmocka_unit_test(the_second_lookup_does_not_wait),
		cmocka_unit_test(the_last_job_is_deleted_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
