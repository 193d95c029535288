/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/*
 * fs/tree.c, fs/directories.c and fs/lookup.c: which names exist, and their inode
 * numbers.
 */

enum { LONG_S = 24 * 60 * 60 };

static void assert_names(struct mount *mount, const char *path, const char *expected)
{
	struct kernel_dir dir;
	char names[KERNEL_NAMES_MAX];

	kernel_opendir_at(mount->kernel, path, &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_string_equal(names, expected);
	dir.bare = true;
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_string_equal(names, expected);
	kernel_releasedir(mount->kernel, &dir);
}

static void assert_no_calls(const struct mount *mount)
{
	assert_int_equal(mount->api->lists + mount->api->gets, 0);
}

/* SEMANTICS 3.1.1, 3.4: the fixed names are listed without a request. */
static void fixed_names(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	assert_names(
		mount, "", ". .. all status date after before metadata text subtitles ");
	assert_names(mount, "status", ". .. queued processing done error ");
	assert_names(mount, "after", ". .. ");
	assert_names(mount, "before", ". .. ");
	assert_no_calls(mount);
	mount_free(mount);
}

/* SEMANTICS 3.4: date/ lists the days that have jobs, newest first. */
static void days_are_listed(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(2).text, JOB_ERROR, MOUNT_WALL_MS - 1);
	fake_add(mount->api, job_id(3).text, JOB_DONE, MOUNT_DAY_MS - 1);
	assert_names(mount, "date", ". .. 2026-04-01 2026-03-31 ");
	assert_names(mount, "status/error/date", ". .. 2026-04-01 ");
	mount_free(mount);
}

/*
 * SEMANTICS 3.4: metadata/ lists the keys and values of the jobs, each once, in the order
 * of the jobs.
 */
static void metadata_is_listed(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS)->metadata =
		"\ncustomer=acme\ntags=b\ntags=a\n";
	fake_add(mount->api, job_id(2).text, JOB_ERROR, MOUNT_WALL_MS - 1)->metadata =
		"\ncustomer=acme\norder=7\n";
	fake_add(mount->api, job_id(3).text, JOB_DONE, MOUNT_WALL_MS - 2)->metadata =
		"\ncustomer=Zo%C3%AB\n";
	fake_add(mount->api, job_id(4).text, JOB_DONE, MOUNT_WALL_MS - 3);
	assert_names(mount, "metadata", ". .. customer tags order ");
	assert_names(mount, "metadata/customer", ". .. acme Zo\xc3\xab ");
	assert_names(mount, "metadata/tags", ". .. b a ");
	assert_names(mount, "status/error/metadata", ". .. customer order ");
	assert_names(mount, "metadata/customer/acme/metadata/tags", ". .. b a ");
	assert_names(mount, "metadata/customer/acme/date", ". .. 2026-04-01 ");
	assert_names(mount, "metadata/customer/acme/status",
		". .. queued processing done"
		" error ");
	mount_free(mount);
}

/*
 * SEMANTICS 3.1, 3.2, 3.5: a job is in the directories that its metadata matches, and in
 * no others.
 */
static void metadata_filters(void **state)
{
	static const struct {
		const char *dir;
		bool there[2];
	} dirs[] = {
		{"metadata/customer/acme", {true, true}},
		{"metadata/customer/acme/status/queued", {false, false}},
		{"metadata/customer/acme/status/error", {false, true}},
		{"metadata/customer/acme/metadata/order/7", {false, true}},
		{"metadata/order/7/metadata/customer/acme", {false, true}},
		{"metadata/tags/a/metadata/tags/b", {true, false}},
		{"metadata/tags/a,b", {true, false}},
		{"metadata/order/7", {false, true}},
	};
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS)->metadata =
		"\ncustomer=acme\ntags=b\ntags=a\n";
	fake_add(mount->api, job_id(2).text, JOB_ERROR, MOUNT_WALL_MS - 1)->metadata =
		"\ncustomer=acme\norder=7\n";
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char names[256] = ". .. ";
		uint64_t dir = kernel_walk(mount->kernel, dirs[i].dir);

		for (unsigned number = 1; number <= 2; number++) {
			struct fuse_entry_out entry;

			assert_int_equal(kernel_lookup(mount->kernel, dir,
						 job_file(number).text, &entry),
				0);
			assert_int_equal(entry.nodeid != 0, dirs[i].there[number - 1]);
			if (entry.nodeid)
				strcat(strcat(names, job_file(number).text), " ");
		}
		assert_names(mount, dirs[i].dir, names);
	}
	mount_free(mount);
}

/*
 * SEMANTICS 3.2, 3.3: every valid value is a directory, and filters can be nested in any
 * order.
 */
static void filters_resolve(void **state)
{
	static const char *const paths[] = {
		"all/status/done",
		"all/date/1999-12-31",
		"date/2024-02-29",
		"status/queued,processing",
		"status/error/date/2026-04-01",
		"date/2026-04-01/status/error",
		"after/2026-04-01/before/2026-05-01/status/done",
		"after/2026-04-01T10:00:00Z/before/2026-04-01T11:00:00.5+02:00",
		"status/done/status/done,error/status/done",
		"status/done/status/error",
		"date/2026-04-01/metadata",
	};
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct fuse_attr attr;

		assert_int_equal(kernel_getattr(mount->kernel,
					 kernel_walk(mount->kernel, paths[i]), &attr),
			0);
		assert_true(S_ISDIR(attr.mode));
	}
	assert_no_calls(mount);
	/* No job can match both filters, so this costs no request. */
	assert_names(mount, "status/done/status/error", ". .. ");
	assert_no_calls(mount);
	mount_free(mount);
}

/* SEMANTICS 3.2, 3.5: a directory shows the jobs that match all of its filters. */
static void filters_mean_and(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;
	uint64_t both;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_ERROR, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(2).text, JOB_DONE, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(3).text, JOB_ERROR, MOUNT_DAY_MS - 1);
	both = kernel_walk(mount->kernel, "status/error/date/2026-04-01");
	assert_int_equal(kernel_lookup(mount->kernel, both, job_file(1).text, &entry), 0);
	assert_int_equal(entry.nodeid, job_ino(job_id(1).text));
	for (unsigned number = 2; number <= 3; number++) {
		assert_int_equal(
			kernel_lookup(mount->kernel, both, job_file(number).text, &entry),
			0);
		assert_int_equal(entry.nodeid, 0);
	}
	mount_free(mount);
}

static const struct {
	const char *dir;
	const char *name;
} impossible[] = {
	{"", "foo"},
	{"", ".git"},
	{"", "autorun.inf"},
	{"", "All"},
	{"", "."},
	{"", ".."},
	{"", ""},
	{"", "45463597-20b7-4af7-b3b3-f5fb778203ab.json"},
	{"status", "foo"},
	{"status", "Done"},
	{"status", "done,"},
	{"status", ",done"},
	{"status", "done,foo"},
	{"status", "other"},
	{"status", "45463597-20b7-4af7-b3b3-f5fb778203ab.json"},
	{"date", "2026-02-30"},
	{"date", "2026-2-3"},
	{"date", "2026-04-01T00:00:00Z"},
	{"date", "0000-01-01"},
	{"after", "tomorrow"},
	{"after", "2026-04-01T25:00:00Z"},
	{"before", "2026-04-31"},
	{"all", "all"},
	{"all", ".git"},
	{"all", "Thumbs.db"},
	{"all", "status.json.gz"},
	{"all", ".json"},
	{"all", "%2Ehidden"},
	{"all", "%41.json"},
	{"all", "%2e.json"},
	{"all", "a%00b.json"},
	{"all", "a%2"},
	{"all", "a%20b.json"},
	{"all", "\xff.json"},
	{"all", "45463597-20b7-4af7-b3b3-f5fb778203ab"},
	{"all", "45463597-20b7-4af7-b3b3-f5fb778203ab.JSON"},
	{"all", "..json.txt"},
	{"date/2026-04-01", "foo"},
	{"status/done/status/error", "45463597-20b7-4af7-b3b3-f5fb778203ab.json"},
};

/*
 * SEMANTICS 3.3: names that cannot exist cost no request, and the kernel caches their
 * absence for long.
 */
static void impossible_names(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(impossible); i++) {
		uint64_t dir = *impossible[i].dir
				       ? kernel_walk(mount->kernel, impossible[i].dir)
				       : FUSE_ROOT_ID;
		struct fuse_entry_out entry;

		assert_int_equal(
			kernel_lookup(mount->kernel, dir, impossible[i].name, &entry), 0);
		if (entry.nodeid || entry.entry_valid < LONG_S)
			fail_msg("%s in %s", impossible[i].name, impossible[i].dir);
	}
	assert_no_calls(mount);
	mount_free(mount);
}

/*
 * The name is not a UUID, so the API has no such job today, but a listing could contain
 * one later.
 */
static void an_unlikely_job_sends_no_request(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 "package.json", &entry),
		0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.entry_valid, 0);
	assert_int_equal(entry.entry_valid_nsec, 0);
	assert_no_calls(mount);
	mount_free(mount);
}

static void a_long_name_is_too_long(void **state)
{
	struct mount *mount = mount_new();
	uint64_t all = kernel_walk(mount->kernel, "all");
	char name[2 * FILENAME_BYTES_MAX];
	struct fuse_entry_out entry;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t len = FILENAME_BYTES_MAX; len < sizeof(name); len++) {
		name[len] = '\0';
		int err = kernel_lookup(mount->kernel, all, name, &entry);

		assert_int_equal(err, len > FILENAME_BYTES_MAX ? -ENAMETOOLONG : 0);
		assert_int_equal(
			kernel_lookup(mount->kernel, FUSE_ROOT_ID, name, &entry), err);
		name[len] = 'a';
	}
	assert_no_calls(mount);
	mount_free(mount);
}

/*
 * SEMANTICS 5.2: a directory's inode number is derived from its path, and the same on
 * every mount.
 */
static void directories_have_numbers_of_their_own(void **state)
{
	static const char *const paths[] = {"all", "status", "date", "after", "before",
		"status/done", "status/error", "status/done,error", "status/error,done",
		"all/status", "all/status/done", "date/2026-04-01", "after/2026-04-01",
		"before/2026-04-01", "date/2026-04-01/status/done",
		"status/done/date/2026-04-01"};
	enum { PATHS = ARRAY_SIZE(paths) };
	uint64_t numbers[PATHS];
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < PATHS; i++) {
		struct fuse_attr attr;

		numbers[i] = kernel_walk(mount->kernel, paths[i]);
		assert_int_equal(kernel_getattr(mount->kernel, numbers[i], &attr), 0);
		assert_int_equal(attr.ino, numbers[i]);
		assert_true(numbers[i] > FUSE_ROOT_ID && !(numbers[i] >> 62));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(numbers[i], numbers[j]);
	}
	mount_free(mount);
	mount = mount_new();
	for (size_t i = 0; i < PATHS; i++)
		assert_int_equal(kernel_walk(mount->kernel, paths[i]), numbers[i]);
	mount_free(mount);
}

/* SEMANTICS 5.2: READDIR and LOOKUP return the same inode numbers. */
static void listed_numbers_are_those_of_the_files(void **state)
{
	static const char *const paths[] = {"", "status", "date", "all"};
	struct kernel_entries *entries = test_malloc(sizeof(*entries));
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct kernel_dir dir;
		struct fuse_entry_out entry;

		kernel_opendir_at(mount->kernel, paths[i], &dir);
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, entries),
			0);
		assert_int_equal(entries->entries[0].ino, dir.node);
		assert_int_equal(entries->entries[1].ino, FUSE_ROOT_ID);
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, 2, KERNEL_DIR_SIZE, entries),
			0);
		assert_true(entries->len);
		for (size_t j = 0; j < entries->len; j++) {
			const struct kernel_entry *listed = &entries->entries[j];

			assert_int_equal(kernel_lookup(mount->kernel, dir.node,
						 listed->name, &entry),
				0);
			assert_int_equal(entry.attr.ino, listed->ino);
			assert_int_equal(entry.attr.mode & S_IFMT, listed->type);
		}
		kernel_releasedir(mount->kernel, &dir);
	}
	mount_free(mount);
	test_free(entries);
}

/* SEMANTICS 5.2: a job has one inode number in every directory and on every mount. */
static void a_job_has_one_number(void **state)
{
	static const char *const paths[] = {
		"all", "status/done", "date/2026-04-01", "after/2026-01-01/status/done"};
	uint64_t ino = job_ino(job_id(1).text);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct mount *mount = mount_new();
		struct fuse_entry_out entry;

		mount_add_jobs(mount, 1, 2);
		for (size_t j = 0; j < ARRAY_SIZE(paths); j++) {
			assert_int_equal(kernel_lookup(mount->kernel,
						 kernel_walk(mount->kernel, paths[j]),
						 job_file(1).text, &entry),
				0);
			assert_int_equal(entry.attr.ino, ino);
			assert_int_equal(entry.nodeid, ino);
		}
		assert_int_not_equal(ino, job_ino(job_id(2).text));
		assert_true(ino >> 62);
		mount_free(mount);
	}
}

/* The kernel must look up again a node that is unknown or forgotten. */
static void unknown_nodes_are_stale(void **state)
{
	static const uint64_t nodes[] = {
		0, 2, 4711, UINT64_C(1) << 62, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct fuse_entry_out entry;
		struct fuse_attr attr;
		struct kernel_dir dir;
		char data[1];
		size_t len;

		assert_int_equal(
			kernel_lookup(mount->kernel, nodes[i], "all", &entry), -ESTALE);
		assert_int_equal(kernel_getattr(mount->kernel, nodes[i], &attr), -ESTALE);
		assert_int_equal(kernel_opendir(mount->kernel, nodes[i], &dir), -ESTALE);
		assert_int_equal(
			kernel_read(mount->kernel, nodes[i], 0, 1, data, &len), -ESTALE);
		kernel_forget(mount->kernel, nodes[i], UINT64_MAX);
	}
	assert_no_calls(mount);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_names),
		cmocka_unit_test(days_are_listed),
		cmocka_unit_test(metadata_is_listed),
		cmocka_unit_test(metadata_filters),
		cmocka_unit_test(filters_resolve),
		cmocka_unit_test(filters_mean_and),
		cmocka_unit_test(impossible_names),
		cmocka_unit_test(an_unlikely_job_sends_no_request),
		cmocka_unit_test(a_long_name_is_too_long),
		cmocka_unit_test(directories_have_numbers_of_their_own),
		cmocka_unit_test(listed_numbers_are_those_of_the_files),
		cmocka_unit_test(a_job_has_one_number),
		cmocka_unit_test(unknown_nodes_are_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
