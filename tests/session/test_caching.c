/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/*
 * fs/dir.c: the kernel has one cache of names for each directory, and the answer to
 * OPENDIR controls it: FOPEN_CACHE_DIR fills the cache and reads from it; without
 * FOPEN_KEEP_CACHE, the kernel empties it first.
 */
enum { CACHE = FOPEN_CACHE_DIR, KEEP = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE };

static struct kernel_dir open_dir(struct mount *mount, const char *path)
{
	struct kernel_dir dir;

	kernel_opendir_at(mount->kernel, path, &dir);
	return dir;
}

static void read_all(struct mount *mount, const struct kernel_dir *dir)
{
	char names[KERNEL_NAMES_MAX];

	kernel_names(mount->kernel, dir, 0, KERNEL_DIR_SIZE, names);
}

/* SEMANTICS 7.3: the cache is kept while the listing, or its names, stay the same. */
static void the_same_names_are_kept(void **state)
{
	static const char *const paths[] = {
		"", "status", "after", "all", "date", "status/done/status/error"};
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct kernel_dir first = open_dir(mount, paths[i]);

		assert_int_equal(first.flags, CACHE);
		read_all(mount, &first);

		struct kernel_dir second = open_dir(mount, paths[i]);

		assert_int_equal(second.flags, KEEP);
		kernel_releasedir(mount->kernel, &first);
		kernel_releasedir(mount->kernel, &second);

		struct kernel_dir third = open_dir(mount, paths[i]);

		assert_int_equal(third.flags, KEEP);
		kernel_releasedir(mount->kernel, &third);
	}
	mount_free(mount);
}

/* SEMANTICS 6.4: readers of two listings of one directory do not share the cache. */
static void two_listings_do_not_mix(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);

	struct kernel_dir old = open_dir(mount, "all");

	assert_int_equal(old.flags, CACHE);
	mount_forward(mount, MOUNT_TTL_MS + 1);

	struct kernel_dir new = open_dir(mount, "all");

	assert_int_equal(new.flags, 0);
	read_all(mount, &old);
	read_all(mount, &new);

	/* The cache still belongs to the old listing. */
	struct kernel_dir third = open_dir(mount, "all");

	assert_int_equal(third.flags, 0);
	kernel_releasedir(mount->kernel, &old);
	kernel_releasedir(mount->kernel, &third);

	/* No open directory uses the cache any more. */
	struct kernel_dir fourth = open_dir(mount, "all");

	assert_int_equal(fourth.flags, CACHE);
	read_all(mount, &fourth);
	kernel_releasedir(mount->kernel, &fourth);
	kernel_releasedir(mount->kernel, &new);

	struct kernel_dir fifth = open_dir(mount, "all");

	assert_int_equal(fifth.flags, KEEP);
	kernel_releasedir(mount->kernel, &fifth);
	mount_free(mount);
}

/*
 * A new listing empties the cache. The kernel has done so once a reader of the new
 * listing sends its next request; from then on, the cache is kept.
 */
static void a_cache_is_kept_once_it_was_emptied(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);

	struct kernel_dir old = open_dir(mount, "all");

	read_all(mount, &old);
	kernel_releasedir(mount->kernel, &old);
	mount_forward(mount, MOUNT_TTL_MS + 1);

	struct kernel_dir first = open_dir(mount, "all");
	struct kernel_dir second = open_dir(mount, "all");

	assert_int_equal(first.flags, CACHE);
	assert_int_equal(second.flags, CACHE);
	kernel_releasedir(mount->kernel, &second);

	struct kernel_dir third = open_dir(mount, "all");

	assert_int_equal(third.flags, KEEP);
	kernel_releasedir(mount->kernel, &first);
	kernel_releasedir(mount->kernel, &third);
	mount_free(mount);
}

/* After the kernel has forgotten a directory, it has no cache of its names. */
static void a_forgotten_directory_starts_again(void **state)
{
	struct mount *mount = mount_new();

	(void)state;

	struct kernel_dir dir = open_dir(mount, "status");

	read_all(mount, &dir);
	kernel_releasedir(mount->kernel, &dir);
	kernel_forget(mount->kernel, dir.node, 1);
	dir = open_dir(mount, "status");
	assert_int_equal(dir.flags, CACHE);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 1.5: after a refresh, the directory is read again. */
static void refreshed_is_read_again(void **state)
{
	static const char *const paths[] = {"", "status", "all", "date"};
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct kernel_dir before = open_dir(mount, paths[i]);

		read_all(mount, &before);
		mount_forward(mount, 1);
		sync_refresh(mount->sync);
		fs_refresh(mount->fs);

		struct kernel_dir meanwhile = open_dir(mount, paths[i]);

		assert_int_equal(meanwhile.flags, 0);
		read_all(mount, &before);
		kernel_releasedir(mount->kernel, &before);
		kernel_releasedir(mount->kernel, &meanwhile);

		struct kernel_dir after = open_dir(mount, paths[i]);

		assert_int_equal(after.flags, CACHE);
		kernel_releasedir(mount->kernel, &after);
	}
	mount_free(mount);
}

/* SEMANTICS 7.1: within its ttl, a listing is not fetched again. */
static void a_listing_is_kept_for_its_time(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (int i = 0; i < 3; i++) {
		struct kernel_dir dir = open_dir(mount, "all");

		read_all(mount, &dir);
		kernel_releasedir(mount->kernel, &dir);
	}
	assert_int_equal(mount->api->lists, 1);
	mount_forward(mount, MOUNT_TTL_MS + 1);

	struct kernel_dir dir = open_dir(mount, "all");

	read_all(mount, &dir);
	assert_true(mount->api->lists > 1);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 1.5: directories that are still open at the end are closed. */
static void directories_open_at_the_end(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);

	struct kernel_dir dir = open_dir(mount, "all");

	read_all(mount, &dir);
	open_dir(mount, "all");
	open_dir(mount, "");
	open_dir(mount, "status");
	kernel_forget(mount->kernel, dir.node, 2);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_names_are_kept),
		cmocka_unit_test(two_listings_do_not_mix),
		cmocka_unit_test(a_cache_is_kept_once_it_was_emptied),
		cmocka_unit_test(a_forgotten_directory_starts_again),
		cmocka_unit_test(refreshed_is_read_again),
		cmocka_unit_test(a_listing_is_kept_for_its_time),
		cmocka_unit_test(directories_open_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
