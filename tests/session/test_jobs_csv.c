/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "mount.h"

/* fs/jobs_csv.h: the file jobs.csv of a directory of jobs (SEMANTICS 8.2). */

enum { TEXT_MAX = 1 << 20 };

#define FIXED                                                                   \
	"id,created_at,completed_at,status,error_code,filename,audio_duration," \
	"billing_time,channels,languages,speakers,words"

static uint64_t look_up(
	struct mount *mount, const char *directory, struct fuse_entry_out *ret_entry)
{
	assert_int_equal(
		kernel_lookup(mount->kernel, kernel_walk(mount->kernel, directory),
			"jobs.csv", ret_entry),
		0);
	return ret_entry->nodeid;
}

/* Reads a file to its end; the caller frees the text. */
static char *read_file(struct mount *mount, const struct fuse_entry_out *entry)
{
	enum { PART = 128 << 10 };
	char *text = malloc(TEXT_MAX);
	size_t len = 0;
	size_t got;

	assert_non_null(text);
	do {
		assert_true(len + PART < TEXT_MAX);
		assert_int_equal(kernel_read(mount->kernel, entry->nodeid, len, PART,
					 text + len, &got),
			0);
		len += got;
	} while (got);
	text[len] = '\0';
	assert_int_equal(len, entry->attr.size);
	return text;
}

static void assert_text(struct mount *mount, const char *directory, const char *text)
{
	struct fuse_entry_out entry;
	char *read;

	assert_int_not_equal(look_up(mount, directory, &entry), 0);
	read = read_file(mount, &entry);
	assert_string_equal(read, text);
	free(read);
	kernel_forget(mount->kernel, entry.nodeid, 1);
}

static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	while ((text = strstr(text, "\r\n"))) {
		text += 2;
		lines++;
	}
	return lines;
}

/* SEMANTICS 8.2.1: a line for each job, from the listing and the catalog alone. */
static void a_line_for_each_job(void **state)
{
	static const char said[] = "a b.mp3\0\0001.50\0001.5\0001\0en\0002\00017\0";
	struct job_facts facts;
	struct mount *mount = mount_new();
	struct fake_job *job;
	char wanted[1024];

	(void)state;
	assert_true(job_facts_load(said, sizeof(said), &facts));
	mount_add_jobs(mount, 1, 1);
	job = fake_add(mount->api, job_id(2).text, JOB_QUEUED, MOUNT_WALL_MS - 2000);
	job->facts = &facts;
	job->metadata = "\nuser=John%20Doe\n";
	snprintf(wanted, sizeof(wanted),
		FIXED ",user\r\n"
		      "%s,2026-04-01T11:59:58.000Z,,queued,,a b.mp3,1.50,1.5,1,en,2,17,"
		      "John Doe\r\n",
		job_id(2).text);
	assert_text(mount, "status/queued", wanted);
	assert_text(mount, "after/2027-01-01", FIXED "\r\n");
	assert_text(mount, "after/2027-01-01/before/2026-01-01", FIXED "\r\n");
	assert_int_equal(mount->api->gets, 0);
	mount_free(mount);
}

/* SEMANTICS 8.2.1: directories of jobs have the file, and no others. */
static void only_directories_of_jobs_have_it(void **state)
{
	static const char *const others[] = {"status", "date", "after", "metadata"};
	struct mount *mount = mount_new();
	struct kernel_dir dir;
	struct fuse_entry_out entry;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(look_up(mount, others[i], &entry), 0);
	assert_int_equal(
		kernel_lookup(mount->kernel, FUSE_ROOT_ID, "jobs.csv", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_not_equal(look_up(mount, "date/2026-04-01", &entry), 0);
	assert_int_not_equal(look_up(mount, "all/status/done", &entry), 0);
	assert_int_not_equal(look_up(mount, "all", &entry), 0);
	assert_true(S_ISREG(entry.attr.mode));
	/* The next look-up makes the file again. */
	assert_int_equal(entry.entry_valid + entry.entry_valid_nsec, 0);
	/* It is not listed. */
	kernel_opendir_at(mount->kernel, "all", &dir);
	mount_assert_names(mount, &dir, 2, KERNEL_DIR_SIZE, 1, 3);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 8.2.3: newest first, in whatever order the API returns the jobs. */
static void newest_first_in_any_order(void **state)
{
	static const enum fake_order orders[] = {
		FAKE_NEWEST_FIRST, FAKE_OLDEST_FIRST, FAKE_UNSORTED};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		enum { JOBS = 1200 };
		struct mount *mount = mount_new();
		struct fuse_entry_out entry;
		char *text;
		const char *line;

		mount->api->rules.order = orders[i];
		mount_add_jobs(mount, 1, JOBS);
		look_up(mount, "all", &entry);
		text = read_file(mount, &entry);
		assert_int_equal(count_lines(text), JOBS + 1);
		line = text;
		for (unsigned job = 1; job <= JOBS; job++) {
			line = strstr(line, "\r\n") + 2;
			assert_memory_equal(
				line, job_id(job).text, strlen(job_id(job).text));
		}
		free(text);
		mount_free(mount);
	}
}

/* SEMANTICS 8.2.5: it waits for the whole listing; a page that fails is an error. */
static void a_failed_page_is_an_error(void **state)
{
	struct mount *mount = mount_new_with(&(struct mount_options){.page_size = 2});
	uint64_t all = kernel_walk(mount->kernel, "all");
	struct fuse_entry_out entry;
	uint64_t number;

	(void)state;
	mount_add_jobs(mount, 1, 5);
	mount->stalled = true;
	number = kernel_ask_lookup(mount->kernel, all, "jobs.csv");
	assert_false(kernel_is_answered(mount->kernel, number));
	fake_answer(fake_call(mount->api, 0));
	assert_false(kernel_is_answered(mount->kernel, number));
	while (mount->api->pending_len)
		fake_fail(fake_call(mount->api, 0), -EIO, "broken");
	assert_int_equal(
		kernel_answer(mount->kernel, number, &entry, sizeof(entry)), -EIO);
	/* The next look-up continues from the page that failed. */
	mount->stalled = false;
	look_up(mount, "all", &entry);

	char *text = read_file(mount, &entry);

	assert_int_equal(count_lines(text), 6);
	free(text);
	mount_free(mount);
}

/* SEMANTICS 8.2.8: an open file keeps the state in which it was looked up. */
static void a_file_is_one_state(void **state)
{
	struct mount *mount = mount_new();
	struct fuse_entry_out before;
	struct fuse_entry_out after;
	char *old;
	char *new;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	look_up(mount, "all", &before);
	fake_remove(mount->api, job_id(2).text);
	fake_find(mount->api, job_id(3).text)->job.status = JOB_ERROR;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", &after);
	assert_int_not_equal(before.nodeid, after.nodeid);
	assert_int_equal(before.attr.ino, after.attr.ino);
	old = read_file(mount, &before);
	new = read_file(mount, &after);
	assert_int_equal(count_lines(old), 4);
	assert_int_equal(count_lines(new), 3);
	assert_non_null(strstr(old, job_id(2).text));
	assert_null(strstr(new, job_id(2).text));
	free(old);
	free(new);
	/* The mtime is that of the newest job. */
	assert_int_equal(before.attr.mtime, MOUNT_WALL_MS / 1000 - 1);
	mount_free(mount);
}

/* Other requests are answered while a large file is being made. */
static void others_do_not_wait(void **state)
{
	enum { JOBS = 1200 };
	struct mount *mount = mount_new();
	struct fuse_kstatfs totals;
	uint64_t all = kernel_walk(mount->kernel, "all");
	uint64_t number;
	struct fuse_entry_out entry;

	(void)state;
	mount_add_jobs(mount, 1, JOBS);
	look_up(mount, "all", &entry);
	number = kernel_ask_lookup(mount->kernel, all, "jobs.csv");
	mount_turn(mount);
	assert_int_equal(kernel_statfs(mount->kernel, &totals), 0);
	assert_int_equal(kernel_answers_left(mount->kernel), 0);
	assert_int_equal(kernel_answer(mount->kernel, number, &entry, sizeof(entry)), 0);

	char *text = read_file(mount, &entry);

	assert_int_equal(count_lines(text), JOBS + 1);
	free(text);
	mount_free(mount);
}

/* The filesystem ends, or the mount's request fails, while a file is being made. */
static void ends_while_it_is_made(void **state)
{
	struct mount *mount = mount_new();
	uint64_t all = kernel_walk(mount->kernel, "all");
	struct fuse_entry_out entry;

	(void)state;
	mount_add_jobs(mount, 1, 1200);
	look_up(mount, "all", &entry);
	kernel_ask_lookup(mount->kernel, all, "jobs.csv");
	mount_turn(mount);
	mount_free(mount);
}

/* SEMANTICS 5.3.2: it cannot be removed. */
static void it_cannot_be_removed(void **state)
{
	struct mount *mount = mount_new_with(
		&(struct mount_options){.allow_delete = true});
	uint64_t all = kernel_walk(mount->kernel, "all");
	uint64_t number;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	number = kernel_ask(mount->kernel, FUSE_UNLINK, all, NULL, 0, "jobs.csv");
	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), -EROFS);
	mount_free(mount);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_job),
		cmocka_unit_test(only_directories_of_jobs_have_it),
		cmocka_unit_test(newest_first_in_any_order),
		cmocka_unit_test(a_failed_page_is_an_error),
		cmocka_unit_test(a_file_is_one_state),
		cmocka_unit_test(others_do_not_wait),
		cmocka_unit_test(ends_while_it_is_made),
		cmocka_unit_test(it_cannot_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
