/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/internal.h"
#include "mount.h"

/*
 * fs/attr.c, fs/directories.c: the results of stat(2) and statfs(2), and the effect of
 * FORGET.
 */

enum { LONG_S = 24 * 60 * 60 };

static struct fuse_entry_out look_up(
	struct mount *mount, const char *path, unsigned number)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
				 job_file(number).text, &entry),
		0);
	assert_int_not_equal(entry.nodeid, 0);
	return entry;
}

/* SEMANTICS 5.1.4: the attributes of a file come from its job. */
static void a_file_shows_its_job(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;
	struct fuse_attr attr;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS - 5000)
		->job.completed_ms = MOUNT_WALL_MS - 1999;
	entry = look_up(mount, "all", 1);
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	/* The job is in all/, in one directory of status/ and in one of date/, so that
	 * du(1) counts it once. */
	assert_int_equal(entry.attr.nlink, 3);
	assert_int_equal(entry.attr.uid, MOUNT_UID);
	assert_int_equal(entry.attr.gid, MOUNT_GID);
	assert_int_equal(entry.attr.size, mount_text(mount, 1).len);
	assert_int_equal(entry.attr.blocks, 1);
	assert_int_equal(entry.attr.mtime, MOUNT_WALL_MS / 1000 - 2);
	assert_int_equal(entry.attr.mtimensec, 1000 * 1000);
	assert_int_equal(entry.attr.ctime, entry.attr.mtime);
	assert_int_equal(entry.attr.ctimensec, entry.attr.mtimensec);
	assert_int_equal(kernel_getattr(mount->kernel, entry.nodeid, &attr), 0);
	assert_memory_equal(&attr, &entry.attr, sizeof(attr));
	mount_free(mount);
}

/*
 * Section 3: the link count is the same for every job, no matter how many directories it
 * is in; it is above 1 for du(1).
 */
static void link_counts(void **state)
{
	static const struct {
		enum job_status status;
		int64_t created_ms;
	} jobs[] = {
		{JOB_DONE, MOUNT_WALL_MS},
		{JOB_QUEUED, MOUNT_WALL_MS},
		{JOB_DONE, JOB_NO_TIME},
		{JOB_OTHER, MOUNT_WALL_MS},
		{JOB_OTHER, JOB_NO_TIME},
	};
	static const char *const directories[] = {"status", "status/done", "metadata"};
	struct mount *mount = mount_new();
	struct fuse_attr attr;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		fake_add(mount->api, job_id(i).text, jobs[i].status, jobs[i].created_ms);
		assert_int_equal(look_up(mount, "all", i).attr.nlink, 3);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(directories); i++) {
		assert_int_equal(
			kernel_getattr(mount->kernel,
				kernel_walk(mount->kernel, directories[i]), &attr),
			0);
		assert_int_equal(attr.nlink, 1);
	}

	struct fuse_entry_out entry;
	char name[FILENAME_BYTES_MAX + 8];

	snprintf(name, sizeof(name), "%s.txt", job_id(0).text);
	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 name, &entry),
		0);
	assert_int_equal(entry.attr.nlink, 3);
	assert_int_equal(
		kernel_lookup(mount->kernel, kernel_walk(mount->kernel, ".gladiafs"),
			"config", &entry),
		0);
	assert_int_equal(entry.attr.nlink, 1);
	mount_free(mount);
}

/* SEMANTICS 5.1: the mtime is completed_at, or else created_at, or else the epoch. */
static void times_of_jobs(void **state)
{
	static const struct {
		int64_t created_ms;
		int64_t completed_ms;
		int64_t seconds;
		uint32_t ns;
	} cases[] = {
		{MOUNT_WALL_MS, JOB_NO_TIME, MOUNT_WALL_MS / 1000, 0},
		{JOB_NO_TIME, JOB_NO_TIME, 0, 0},
		{JOB_NO_TIME, 1, 0, 1000000},
		{-1, JOB_NO_TIME, -1, 999000000},
		{-1000, JOB_NO_TIME, -1, 0},
	};
	struct mount *mount = mount_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fuse_entry_out entry;

		fake_add(mount->api, job_id(i).text, JOB_DONE, cases[i].created_ms)
			->job.completed_ms = cases[i].completed_ms;
		entry = look_up(mount, "all", i);
		assert_int_equal((int64_t)entry.attr.mtime, cases[i].seconds);
		assert_int_equal(entry.attr.mtimensec, cases[i].ns);
	}
	mount_free(mount);
}

/* SEMANTICS 5.1, 7.1: names of finished jobs are cached for long, others for the ttl. */
static void names_and_attributes_have_timeouts(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(2).text, JOB_ERROR, MOUNT_WALL_MS);
	fake_add(mount->api, job_id(3).text, JOB_QUEUED, MOUNT_WALL_MS);
	for (unsigned number = 1; number <= 2; number++) {
		entry = look_up(mount, "all", number);
		assert_true(entry.entry_valid >= LONG_S);
		assert_true(entry.attr_valid >= LONG_S);
	}
	entry = look_up(mount, "all", 3);
	assert_int_equal(entry.entry_valid, MOUNT_TTL_MS / 1000);
	/* The node is one version of the job, so its attributes never change. */
	assert_true(entry.attr_valid >= LONG_S);
	mount_forward(mount, 1500);
	entry = look_up(mount, "all", 3);
	assert_int_equal(entry.entry_valid, MOUNT_TTL_MS / 1000 - 2);
	assert_int_equal(entry.entry_valid_nsec, 500 * 1000 * 1000);
	mount_free(mount);
}

/* SEMANTICS 5.1: until it is listed, a directory's mtime comes from its path alone. */
static void a_directory_shows_its_age(void **state)
{
	static const struct {
		const char *path;
		int64_t mtime_ms;
	} cases[] = {
		{"all", 0},
		{"status", 0},
		{"status/done", 0},
		{"date/2026-04-01", MOUNT_DAY_MS},
		{"date/1970-01-01", 0},
		{"status/done/date/2026-04-01", MOUNT_DAY_MS},
		{"after/0001-01-01", 0},
		{"before/0001-01-01", 0},
	};
	struct mount *mount = mount_new();
	struct fuse_attr attr;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			kernel_getattr(mount->kernel,
				kernel_walk(mount->kernel, cases[i].path), &attr),
			0);
		assert_int_equal(attr.mode, S_IFDIR | 0755);
		assert_int_equal(attr.nlink, 1);
		assert_int_equal(attr.uid, MOUNT_UID);
		assert_int_equal(attr.gid, MOUNT_GID);
		assert_int_equal(attr.mtime, cases[i].mtime_ms / 1000);
	}
	assert_int_equal(kernel_getattr(mount->kernel, FUSE_ROOT_ID, &attr), 0);
	assert_int_equal(attr.mode, S_IFDIR | 0755);
	assert_int_equal(attr.ino, FUSE_ROOT_ID);
	mount_free(mount);
}

static void list(struct mount *mount, const char *path)
{
	char names[KERNEL_NAMES_MAX];
	struct kernel_dir dir;

	kernel_opendir_at(mount->kernel, path, &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	kernel_releasedir(mount->kernel, &dir);
}

static int64_t dir_mtime_ms(struct mount *mount, const char *path)
{
	struct fuse_attr attr;

	assert_int_equal(
		kernel_getattr(mount->kernel, kernel_walk(mount->kernel, path), &attr),
		0);
	/* The ctime stays as it was before the listing: tar(1) fails if it changes. */
	assert_true(attr.ctime == 0 || attr.ctime == MOUNT_DAY_MS / 1000);
	assert_int_equal(attr.ctimensec, 0);
	return (int64_t)attr.mtime * 1000 + attr.mtimensec / 1000000;
}

/*
 * Returns the next directory whose cached attributes the notifier's thread invalidates,
 * or 0.
 */
static uint64_t next_notified(struct mount *mount)
{
	uint64_t node = 0;

	for (int i = 0; i < 1000 && !node; i++) {
		node = kernel_take_attr_notice(mount->kernel);
		if (!node)
			usleep(5000);
	}
	return node;
}

/*
 * SEMANTICS 5.1: a directory's mtime is its newest change, whatever source fills its
 * listing, and the kernel asks for it again.
 */
static void a_directory_shows_the_newest_change(void **state)
{
	static const char *const paths[] = {"all", "status/done", "date/2026-04-01",
		"after/2026-03-01", "after/2026-03-01/status/done"};
	enum { PATHS = ARRAY_SIZE(paths) };
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(2).text, JOB_DONE, MOUNT_WALL_MS - 5000)
		->job.completed_ms = MOUNT_WALL_MS - 2001;
	fake_add(mount->api, job_id(3).text, JOB_DONE, MOUNT_WALL_MS - 6000)
		->job.completed_ms = MOUNT_WALL_MS - 1001;
	for (size_t i = 0; i < PATHS; i++) {
		(void)dir_mtime_ms(mount, paths[i]);
		list(mount, paths[i]);
		assert_int_equal(
			next_notified(mount), kernel_walk(mount->kernel, paths[i]));
		assert_int_equal(dir_mtime_ms(mount, paths[i]), MOUNT_WALL_MS - 1001);
	}
	list(mount, "date");
	assert_int_equal(next_notified(mount), kernel_walk(mount->kernel, "date"));
	assert_int_equal(dir_mtime_ms(mount, "date"), MOUNT_DAY_MS);
	/* An older change does not alter the mtime, and an mtime never goes back. */
	fake_remove(mount->api, job_id(3).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	list(mount, "all");
	assert_int_equal(dir_mtime_ms(mount, "all"), MOUNT_WALL_MS - 1001);
	fake_add(mount->api, job_id(1).text, JOB_DONE, MOUNT_WALL_MS - 4000)
		->job.completed_ms = MOUNT_WALL_MS + 7;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	/* Only the directory that was listed shows the new change. */
	list(mount, "all");
	assert_int_equal(next_notified(mount), kernel_walk(mount->kernel, "all"));
	assert_int_equal(dir_mtime_ms(mount, "all"), MOUNT_WALL_MS + 7);
	assert_int_equal(dir_mtime_ms(mount, "status/done"), MOUNT_WALL_MS - 1001);
	list(mount, "status/done");
	assert_int_equal(next_notified(mount), kernel_walk(mount->kernel, "status/done"));
	assert_int_equal(dir_mtime_ms(mount, "status/done"), MOUNT_WALL_MS + 7);
	/* An unchanged directory is not invalidated: the next notification is for another
	 * directory. */
	mount_forward(mount, MOUNT_TTL_MS + 1);
	list(mount, "status/done");
	list(mount, "all");
	fake_add(mount->api, job_id(4).text, JOB_ERROR, MOUNT_WALL_MS);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	list(mount, "status/error");
	assert_int_equal(
		next_notified(mount), kernel_walk(mount->kernel, "status/error"));
	mount_free(mount);
}

/* SEMANTICS 1.4, 5.1: the umask clears bits of the modes of files and directories. */
static void umask_takes_bits_away(void **state)
{
	static const struct mount_options options = {.umask = 0227};
	struct mount *mount = mount_new_with(&options);
	struct fuse_attr attr;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	assert_int_equal(look_up(mount, "all", 1).attr.mode, S_IFREG | 0440);
	assert_int_equal(kernel_getattr(mount->kernel, FUSE_ROOT_ID, &attr), 0);
	assert_int_equal(attr.mode, S_IFDIR | 0550);
	mount_free(mount);
}

/* SEMANTICS 5.4: statfs(2) uses local knowledge alone, even if the API is silent. */
static void statfs_counts_what_is_known(void **state)
{
	enum { FRAGMENT = 4096 };
	struct mount *mount = mount_new();
	struct fuse_kstatfs statfs;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	assert_int_equal(kernel_statfs(mount->kernel, &statfs), 0);
	assert_int_equal(statfs.files, 0);
	look_up(mount, "all", 1);
	look_up(mount, "all", 2);
	mount->stalled = true;

	uint64_t waiting = kernel_ask_lookup(
		mount->kernel, kernel_walk(mount->kernel, "all"), job_file(3).text);

	assert_int_equal(kernel_statfs(mount->kernel, &statfs), 0);
	assert_int_equal(statfs.files, 2);
	assert_int_equal(statfs.ffree, 0);
	assert_int_equal(statfs.bsize, FRAGMENT);
	assert_int_equal(statfs.frsize, FRAGMENT);
	/* The two texts take some bytes of the cache. */
	assert_int_equal(statfs.bfree, UINT32_MAX / FRAGMENT);
	assert_int_equal(statfs.bavail, statfs.bfree);
	assert_int_equal(statfs.blocks, 1 + statfs.bfree);
	assert_int_equal(statfs.namelen, FILENAME_BYTES_MAX);
	mount_end(mount);
	assert_int_equal(kernel_answer(mount->kernel, waiting, NULL, 0), -ENOTCONN);
	mount_free(mount);
}

static void count_dir(struct dir *dir, void *ctx)
{
	(void)dir;
	++*(unsigned *)ctx;
}

static unsigned dirs_known(struct mount *mount)
{
	unsigned count = 0;

	mount_forward(mount, 0);
	directories_each(&mount->fs->directories, count_dir, &count);
	return count;
}

/*
 * Looks up `count` days of one month at the same time, and forgets them in one message.
 * Returns the node of the first.
 */
static uint64_t look_up_and_forget(struct mount *mount, uint64_t date, unsigned count)
{
	char day[] = "2026-02-01";
	uint64_t numbers[28];
	uint64_t nodes[28];

	for (unsigned i = 0; i < count; i++) {
		day[8] = (char)('0' + (i + 1) / 10);
		day[9] = (char)('0' + (i + 1) % 10);
		numbers[i] = kernel_ask_lookup(mount->kernel, date, day);
	}
	for (unsigned i = 0; i < count; i++) {
		struct fuse_entry_out entry;

		assert_int_equal(
			kernel_answer(mount->kernel, numbers[i], &entry, sizeof(entry)),
			0);
		nodes[i] = entry.nodeid;
	}
	assert_int_equal(dirs_known(mount), 2 + count);
	kernel_forget_batch(mount->kernel, nodes, count, 1);
	assert_int_equal(dirs_known(mount), 2);
	return nodes[0];
}

/* SEMANTICS 11.3: a directory that the kernel has forgotten takes no memory. */
static void forgotten_directories_are_gone(void **state)
{
	enum { LOOKUPS = 10000, AT_A_TIME = 25 };
	struct mount *mount = mount_new();
	uint64_t date = kernel_walk(mount->kernel, "date");
	struct fuse_attr attr;
	uint64_t node = 0;

	(void)state;
	for (int i = 0; i < LOOKUPS; i += AT_A_TIME)
		node = look_up_and_forget(mount, date, AT_A_TIME);
	assert_int_equal(kernel_getattr(mount->kernel, node, &attr), -ESTALE);
	mount_free(mount);
}

/*
 * A node is freed after as many FORGETs as lookups, in one message or several, and never
 * sooner.
 */
static void forgetting_counts(void **state)
{
	struct mount *mount = mount_new();
	uint64_t nodes[4];
	struct fuse_attr attr;

	(void)state;
	for (int i = 0; i < 3; i++)
		nodes[0] = kernel_walk(mount->kernel, "all");
	nodes[1] = kernel_walk(mount->kernel, "status");
	nodes[2] = FUSE_ROOT_ID;
	nodes[3] = 4711;
	kernel_forget_batch(mount->kernel, nodes, 4, 1);
	assert_int_equal(dirs_known(mount), 2);
	assert_int_equal(kernel_getattr(mount->kernel, nodes[0], &attr), 0);
	assert_int_equal(kernel_getattr(mount->kernel, nodes[1], &attr), -ESTALE);
	kernel_forget(mount->kernel, nodes[0], 2);
	assert_int_equal(dirs_known(mount), 1);
	kernel_forget_batch(mount->kernel, nodes, 4, UINT64_MAX);
	kernel_forget(mount->kernel, FUSE_ROOT_ID, UINT64_MAX);
	assert_int_equal(kernel_getattr(mount->kernel, FUSE_ROOT_ID, &attr), 0);
	mount_free(mount);
}

/* An open directory can be read after the kernel has forgotten its name. */
static void an_open_directory_outlives_its_name(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_dir dir;
	char names[KERNEL_NAMES_MAX];

	(void)state;
	kernel_opendir_at(mount->kernel, "status", &dir);
	kernel_forget(mount->kernel, dir.node, 1);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_string_equal(names, ". .. queued processing done error ");
	assert_int_equal(dirs_known(mount), 2);
	kernel_releasedir(mount->kernel, &dir);
	assert_int_equal(dirs_known(mount), 1);
	mount_free(mount);
}

/*
 * SEMANTICS 5.1: an open directory keeps its mtime, because tar(1) fails if it changes.
 */
static void an_open_directory_keeps_its_time(void **state)
{
	struct mount *mount = mount_new();
	char names[KERNEL_NAMES_MAX];
	struct kernel_dir dir;

	(void)state;
	fake_add(mount->api, job_id(2).text, JOB_DONE, MOUNT_WALL_MS - 5000)
		->job.completed_ms = MOUNT_WALL_MS - 2001;
	kernel_opendir_at(mount->kernel, "all", &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_int_equal(dir_mtime_ms(mount, "all"), 0);
	assert_int_equal(kernel_take_attr_notice(mount->kernel), 0);
	kernel_releasedir(mount->kernel, &dir);
	assert_int_equal(next_notified(mount), kernel_walk(mount->kernel, "all"));
	assert_int_equal(dir_mtime_ms(mount, "all"), MOUNT_WALL_MS - 2001);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_shows_its_job),
		cmocka_unit_test(link_counts),
		cmocka_unit_test(times_of_jobs),
		cmocka_unit_test(names_and_attributes_have_timeouts),
		cmocka_unit_test(a_directory_shows_its_age),
		cmocka_unit_test(a_directory_shows_the_newest_change),
		cmocka_unit_test(an_open_directory_keeps_its_time),
		cmocka_unit_test(umask_takes_bits_away),
		cmocka_unit_test(statfs_counts_what_is_known),
		cmocka_unit_test(forgotten_directories_are_gone),
		cmocka_unit_test(forgetting_counts),
		cmocka_unit_test(an_open_directory_outlives_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
