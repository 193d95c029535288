/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/* fs/lookup.c: looking up names of jobs, and when this asks the API. */

static int look_up(struct mount *mount, const char *path, unsigned number,
	struct fuse_entry_out *ret_entry)
{
	return kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
		job_file(number).text, ret_entry);
}

static uint64_t ask(struct mount *mount, const char *path, unsigned number)
{
	return kernel_ask_lookup(
		mount->kernel, kernel_walk(mount->kernel, path), job_file(number).text);
}

/* Returns the node of the name, or 0 if there is none. */
static uint64_t node_of(struct mount *mount, const char *path, unsigned number)
{
	struct fuse_entry_out entry;

	assert_int_equal(look_up(mount, path, number, &entry), 0);
	return entry.nodeid;
}

/*
 * SEMANTICS 3.5: looking up a job costs one request and never a listing; a second lookup
 * costs none.
 */
static void a_job_never_listed_costs_one_request(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(node_of(mount, "all", 1), job_ino(job_id(1).text));
	assert_int_equal(mount->api->gets, 1);
	assert_int_equal(mount->api->lists, 0);
	mount_free(mount);
}

/* SEMANTICS 3.5, 11.1: a lookup of a job that does not exist fails with ENOENT. */
static void a_job_there_is_not(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	assert_int_equal(look_up(mount, "all", 1, &entry), -ENOENT);
	assert_int_equal(mount->api->gets, 1);
	/* The absence is not cached: if the job is created, the next lookup finds it. */
	mount_add_jobs(mount, 1, 1);
	assert_int_equal(look_up(mount, "all", 1, &entry), 0);
	assert_int_equal(mount->api->gets, 2);
	mount_free(mount);
}

/*
 * SEMANTICS 3.5: a job is visible exactly in the directories whose filters it matches;
 * looking it up in a second directory costs no request.
 */
static void a_job_is_where_it_belongs(void **state)
{
	static const struct {
		const char *path;
		bool there;
	} cases[] = {
		{"all", true},
		{"status/error", true},
		{"status/done", false},
		{"status/done,error", true},
		{"date/2026-04-01", true},
		{"date/2026-03-31", false},
		{"before/2026-04-01", false},
		{"after/2026-04-01", true},
		{"after/2026-04-01/status/error", true},
		{"after/2026-04-01/status/done", false},
	};
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_ERROR, MOUNT_WALL_MS);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fuse_entry_out entry;

		assert_int_equal(look_up(mount, cases[i].path, 1, &entry), 0);
		assert_int_equal(entry.nodeid != 0, cases[i].there);
		/* A finished job moves to no other directory unless the API made a
		 * mistake. */
		if (!cases[i].there)
			assert_int_equal(entry.entry_valid, MOUNT_TTL_MS / 1000);
	}
	assert_int_equal(mount->api->gets, 1);
	mount_free(mount);
}

/* A job that is not finished can move to this directory at any time. */
static void absence_of_an_unfinished_job_is_not_cached(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	assert_int_equal(look_up(mount, "status/done", 1, &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.entry_valid, 0);
	assert_int_equal(entry.entry_valid_nsec, 0);
	mount_free(mount);
}

/* SEMANTICS 11.2: any number of lookups that wait for one job share one call. */
static void requests_for_one_job_share_a_call(void **state)
{
	static const char *const paths[] = {"all", "status/done", "status/error", "all"};
	enum { ASKING = ARRAY_SIZE(paths) };
	struct mount *mount = mount_new();
	uint64_t numbers[ASKING];
	struct fuse_entry_out entry;

	(void)state;
	mount->stalled = true;
	mount_add_jobs(mount, 1, 1);
	for (int i = 0; i < ASKING; i++)
		numbers[i] = ask(mount, paths[i], 1);
	for (int i = 0; i < ASKING; i++)
		assert_false(kernel_is_answered(mount->kernel, numbers[i]));
	assert_int_equal(mount->api->gets, 1);
	fake_answer_all(mount->api);
	for (int i = 0; i < ASKING; i++) {
		assert_int_equal(
			kernel_answer(mount->kernel, numbers[i], &entry, sizeof(entry)),
			0);
		assert_int_equal(entry.nodeid != 0, i != 2);
	}
	assert_int_equal(mount->api->gets, 1);
	mount_free(mount);
}

/*
 * SEMANTICS 11.1: a failed call returns its error to all waiting lookups, and the next
 * lookup starts a new call.
 */
static void a_failed_call_fails_its_lookups(void **state)
{
	static const int errors[] = {
		-EACCES, -ENOENT, -EBUSY, -ETIMEDOUT, -EHOSTUNREACH, -EIO, -ENOMEM};
	struct mount *mount = mount_new();
	unsigned failures = ARRAY_SIZE(errors);

	(void)state;
	mount->stalled = true;
	mount_add_jobs(mount, 1, 1);
	for (unsigned i = 0; i < failures; i++) {
		uint64_t first = ask(mount, "all", 1);
		uint64_t second = ask(mount, "status/done", 1);

		assert_false(kernel_is_answered(mount->kernel, second));
		fake_fail(fake_call(mount->api, 0), errors[i], "");
		assert_int_equal(kernel_answer(mount->kernel, first, NULL, 0), errors[i]);
		assert_int_equal(
			kernel_answer(mount->kernel, second, NULL, 0), errors[i]);
	}
	mount->stalled = false;
	assert_int_not_equal(node_of(mount, "all", 1), 0);
	assert_int_equal(mount->api->gets, failures + 1);
	mount_free(mount);
}

/* SEMANTICS 7.1: an unfinished job is fetched again after the ttl. */
static void an_unfinished_job_gets_old(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_PROCESSING, MOUNT_WALL_MS);
	assert_int_not_equal(node_of(mount, "all", 1), 0);
	mount_forward(mount, MOUNT_TTL_MS);
	assert_int_not_equal(node_of(mount, "status/processing", 1), 0);
	assert_int_equal(mount->api->gets, 1);
	mount_forward(mount, 1);
	assert_int_not_equal(node_of(mount, "status/processing", 1), 0);
	assert_int_equal(mount->api->gets, 2);
	mount_free(mount);
}

/* SEMANTICS 7.1: a finished job is never fetched again. */
static void a_finished_job_stays(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 1);
	fake_add(mount->api, job_id(2).text, JOB_ERROR, MOUNT_WALL_MS);
	for (int i = 0; i < 3; i++) {
		for (unsigned number = 1; number <= 2; number++)
			assert_int_not_equal(node_of(mount, "all", number), 0);
		mount_forward(mount, INT64_C(1000) * MOUNT_TTL_MS);
	}
	assert_int_equal(mount->api->gets, 2);
	mount_free(mount);
}

/* SEMANTICS 1.5, 7.1: after a refresh, a job that can change is fetched again. */
static void refreshed_is_asked_for_again(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	mount_add_jobs(mount, 1, 1);
	fake_add(mount->api, job_id(2).text, JOB_QUEUED, MOUNT_WALL_MS);
	for (unsigned number = 1; number <= 2; number++)
		assert_int_not_equal(node_of(mount, "all", number), 0);
	mount_forward(mount, 1);
	sync_refresh(mount->sync);
	fs_refresh(mount->fs);
	for (unsigned number = 1; number <= 2; number++)
		assert_int_not_equal(node_of(mount, "all", number), 0);
	assert_int_equal(mount->api->gets, 3);
	assert_int_not_equal(node_of(mount, "all", 2), 0);
	assert_int_equal(mount->api->gets, 3);
	mount_free(mount);
}

/*
 * SEMANTICS 5.2, 7.3: each version of a job has its own node; the inode number of the job
 * never changes.
 */
static void another_text_is_another_node(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out old;
	struct fuse_entry_out new;
	struct fuse_attr attr;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_PROCESSING, MOUNT_WALL_MS);
	assert_int_equal(look_up(mount, "all", 1, &old), 0);
	fake_find(mount->api, job_id(1).text)->job.status = JOB_DONE;
	fake_find(mount->api, job_id(1).text)->edition = 12345;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_equal(look_up(mount, "all", 1, &new), 0);
	assert_int_not_equal(new.nodeid, old.nodeid);
	assert_int_equal(new.attr.ino, old.attr.ino);
	assert_int_equal(new.attr.size, mount_text(mount, 1).len);
	assert_int_equal(kernel_getattr(mount->kernel, old.nodeid, &attr), -ESTALE);
	assert_int_equal(kernel_getattr(mount->kernel, new.nodeid, &attr), 0);
	assert_int_equal(node_of(mount, "status/processing", 1), 0);
	assert_int_equal(node_of(mount, "status/done", 1), new.nodeid);
	mount_free(mount);
}

/*
 * SEMANTICS 7.1: a job that was deleted before it finished disappears once a lookup
 * fetches it again.
 */
static void a_deleted_job_is_absent(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;
	struct fuse_attr attr;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	assert_int_equal(look_up(mount, "all", 1, &entry), 0);
	fake_remove(mount->api, job_id(1).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_equal(look_up(mount, "all", 1, &entry), -ENOENT);
	assert_int_equal(
		kernel_getattr(mount->kernel, job_ino(job_id(1).text), &attr), -ESTALE);
	/* A job that reappears is a new version. */
	mount_add_jobs(mount, 1, 1);
	assert_int_equal(look_up(mount, "all", 1, &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	mount_free(mount);
}

/* The job is deleted after it was fetched, but before its lookup is answered. */
static void deleted_at_the_last_moment(void **state)
{
	struct mount *mount = mount_new();
	struct catalog_job job;

	(void)state;
	mount->stalled = true;
	mount_add_jobs(mount, 1, 1);

	uint64_t waiting = ask(mount, "all", 1);

	assert_false(kernel_is_answered(mount->kernel, waiting));
	fake_answer_all(mount->api);
	assert_int_equal(jobs_by_id(mount->catalog, job_id(1).text, &job), 0);
	assert_int_equal(jobs_mark_deleted(mount->catalog, job.row), 0);
	assert_int_equal(kernel_answer(mount->kernel, waiting, NULL, 0), -ENOENT);
	mount_free(mount);
}

/*
 * SEMANTICS 4.2: the size of a job that was listed as a summary is unknown until the job
 * is fetched.
 */
static void a_summary_is_fetched(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_dir dir;
	struct fuse_entry_out entry;
	char names[KERNEL_NAMES_MAX];

	(void)state;
	mount->api->rules.summaries = true;
	mount_add_jobs(mount, 1, 9);
	kernel_opendir_at(mount->kernel, "all", &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_int_equal(look_up(mount, "all", 5, &entry), 0);
	assert_int_equal(entry.attr.size, mount_text(mount, 5).len);
	/* One lookup is not yet a walk through the directory. */
	assert_int_equal(mount->api->gets, 1);
	/* The next lookup in order is one: further jobs are fetched early. */
	assert_int_equal(look_up(mount, "all", 6, &entry), 0);
	assert_int_equal(mount->api->gets, 5);
	assert_int_equal(look_up(mount, "all", 9, &entry), 0);
	assert_int_equal(mount->api->gets, 5);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_never_listed_costs_one_request),
		cmocka_unit_test(a_job_there_is_not),
		cmocka_unit_test(a_job_is_where_it_belongs),
		cmocka_unit_test(absence_of_an_unfinished_job_is_not_cached),
		cmocka_unit_test(requests_for_one_job_share_a_call),
		cmocka_unit_test(a_failed_call_fails_its_lookups),
		cmocka_unit_test(an_unfinished_job_gets_old),
		cmocka_unit_test(a_finished_job_stays),
		cmocka_unit_test(refreshed_is_asked_for_again),
		cmocka_unit_test(another_text_is_another_node),
		cmocka_unit_test(a_deleted_job_is_absent),
		cmocka_unit_test(deleted_at_the_last_moment),
		cmocka_unit_test(a_summary_is_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
