/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

#include "fs/prefetch.h"

/*
 * fs/prefetch.c, fs/prefetch_order.c: texts that are pushed into the page cache before
 * the kernel asks for them (SEMANTICS 7.3, 11.3).
 */

enum { JOBS = 300, LAST = 900 };

/* The jobs' nodes that the kernel knows, and the texts that it was given. */
struct reader {
	struct mount *mount;
	uint64_t nodes[JOBS + 1]; /* indexed by the number of the job */
	bool given[JOBS + 1];
	unsigned given_len;
};

static uint64_t look_up(struct mount *mount, const char *path, unsigned number)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
				 job_file(number).text, &entry),
		0);
	return entry.nodeid;
}

/* Lists a directory, as a program does before it walks through it. */
static void list(struct mount *mount, const char *path)
{
	char names[KERNEL_NAMES_MAX];
	struct kernel_dir dir;

	kernel_opendir_at(mount->kernel, path, &dir);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	kernel_releasedir(mount->kernel, &dir);
}

/*
 * Adds jobs whose order in all/ is that of their numbers, or the reverse. Another job,
 * which changes in the tests, comes last and does not belong to the reader.
 */
static void reader_init(struct reader *reader, struct mount *mount, bool reversed)
{
	*reader = (struct reader){.mount = mount};
	for (unsigned i = 1; i <= JOBS; i++)
		fake_add(mount->api, job_id(i).text, JOB_DONE,
			MOUNT_WALL_MS - (reversed ? JOBS - i : i) * INT64_C(1000));
	fake_add(mount->api, job_id(LAST).text, JOB_QUEUED,
		MOUNT_WALL_MS - (JOBS + 1) * INT64_C(1000));
	list(mount, "all");
	for (unsigned i = 1; i <= JOBS; i++)
		reader->nodes[i] = look_up(mount, "all", i);
}

static void read_node(struct mount *mount, uint64_t node, const struct job_text *text)
{
	char data[512];
	size_t len;

	assert_int_equal(kernel_read(mount->kernel, node, 0, 512, data, &len), 0);
	assert_int_equal(len, text->len);
	assert_memory_equal(data, text->text, len);
}

static void read_job(struct reader *reader, unsigned number)
{
	struct job_text text = mount_text(reader->mount, number);

	read_node(reader->mount, reader->nodes[number], &text);
}

/* Reads the files whose texts are not in the page cache yet, as the kernel would. */
static void read_through(struct reader *reader, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		if (!reader->given[i])
			read_job(reader, i);
}

static void take(struct reader *reader, const struct kernel_notice *notice)
{
	for (unsigned i = 1; i <= JOBS; i++) {
		if (notice->node != reader->nodes[i])
			continue;

		struct job_text text = mount_text(reader->mount, i);

		assert_int_equal(notice->code, FUSE_NOTIFY_STORE);
		assert_int_equal(notice->offset, 0);
		assert_int_equal(notice->len, text.len);
		assert_memory_equal(notice->text, text.text, text.len);
		assert_false(reader->given[i]);
		reader->given[i] = true;
		reader->given_len++;
		return;
	}
	fail_msg("a text of a node that is nobody's");
}

/*
 * Takes all notifications so far. They arrive in the order in which they are made, so the
 * notification about the job that changes marks the end.
 */
static void collect(struct reader *reader)
{
	struct mount *mount = reader->mount;
	uint64_t last = look_up(mount, "all", LAST);
	struct kernel_notice notice;

	fake_find(mount->api, job_id(LAST).text)->edition++;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", LAST);
	for (;;) {
		kernel_next_notice(mount->kernel, &notice);
		if (strcmp(notice.name, job_file(LAST).text) == 0)
			return;
		if (notice.code == FUSE_NOTIFY_STORE && notice.node != last)
			take(reader, &notice);
	}
}

static void in_the_directorys_order(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount, false);
	read_through(&reader, 1, 3);
	collect(&reader);
	/* A prefetch reaches only this far ahead, and leaves out some files, whose reads
	 * show how far the reader is. */
	assert_in_range(reader.given_len,
		PREFETCH_FILES - PREFETCH_FILES / PREFETCH_MARK - 1, PREFETCH_FILES);
	assert_true(reader.given[4]);
	assert_false(reader.given[3 + PREFETCH_FILES + 1]);
	list(mount, "all");
	read_through(&reader, 4, JOBS);
	collect(&reader);
	/* A second listing is a different one, and it takes three files again to
	 * recognize the walk. */
	assert_in_range(
		reader.given_len, JOBS - 2 * 3 - JOBS / PREFETCH_MARK - 1, JOBS - 3);
	mount_free(mount);
}

/* The order in which a shell expands *.json. */
static void in_the_names_order(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount, true);
	read_through(&reader, 1, 7);
	mount_forward(mount, 0);
	read_job(&reader, 8);
	collect(&reader);
	assert_true(reader.given_len > PREFETCH_FILES / 2);
	assert_true(reader.given[9]);
	assert_false(reader.given[8 + PREFETCH_FILES + 1]);
	mount_free(mount);
}

static int compare_nodes(const void *one, const void *two)
{
	const uint64_t *a = one;
	const uint64_t *b = two;

	return *a < *b ? -1 : *a > *b;
}

/* The order in which grep -r reads a directory with more than 10,000 files. */
static void in_the_inode_numbers_order(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;
	uint64_t sorted[JOBS];
	unsigned given = 0;

	(void)state;
	reader_init(&reader, mount, false);
	memcpy(sorted, &reader.nodes[1], sizeof(sorted));
	qsort(sorted, JOBS, sizeof(*sorted), compare_nodes);
	for (unsigned at = 0; at < 8; at++) {
		for (unsigned i = 1; i <= JOBS; i++)
			if (reader.nodes[i] == sorted[at])
				read_job(&reader, i);
		mount_forward(mount, 0);
	}
	collect(&reader);
	for (unsigned i = 1; i <= JOBS; i++)
		given += reader.given[i] && reader.nodes[i] <= sorted[7 + PREFETCH_FILES];
	assert_true(given > PREFETCH_FILES / 2);
	assert_int_equal(given, reader.given_len);
	mount_free(mount);
}

/* SEMANTICS 6.2: a reader that reads one file or a few causes no prefetch. */
static void not_for_a_reader_of_some(void **state)
{
	static const unsigned some[] = {100, 101, 50, 49, 48, 200, 17, 300, 1, 250, 90};
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount, false);
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		read_job(&reader, some[i]);
	for (int i = 0; i < 20; i++)
		read_job(&reader, 7);
	collect(&reader);
	assert_int_equal(reader.given_len, 0);
	mount_free(mount);
}

/* Another reader in the same directory does not end a walk. */
static void a_walk_goes_on_beside_others(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount, false);
	read_through(&reader, 100, 102);
	read_job(&reader, 5);
	read_job(&reader, 128);
	collect(&reader);
	assert_true(reader.given[250]);
	mount_free(mount);
}

static void a_walk_ends(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount, false);
	read_through(&reader, 100, 102);
	for (unsigned i = 50; i > 40; i--)
		read_job(&reader, i);
	read_job(&reader, 128);
	collect(&reader);
	assert_true(reader.given[200]);
	assert_false(reader.given[250]);
	mount_free(mount);
}

/* SEMANTICS 7.4: an evicted text is not fetched again for a prefetch. */
static void not_what_is_not_kept(void **state)
{
	static const struct mount_options options = {.texts_max = 20 * 100};
	struct mount *mount = mount_new_with(&options);
	struct reader reader;
	unsigned gets;

	(void)state;
	reader_init(&reader, mount, false);
	gets = mount->api->gets;
	read_through(&reader, 1, 3);
	collect(&reader);
	assert_true(reader.given_len < 30);
	/* The three jobs that were read, and the one that changes. */
	assert_int_equal(mount->api->gets, gets + 3 + 1);
	mount_free(mount);
}

/*
 * SEMANTICS 7.3: a node is given only the text of its own version, and the node of a
 * deleted job is given nothing.
 */
static void not_another_version(void **state)
{
	struct mount *mount = mount_new();
	struct fake_job *changed;
	struct reader reader;
	struct job_text text;
	struct catalog_job job;
	enum catalog_change change;

	(void)state;
	reader_init(&reader, mount, false);
	changed = fake_find(mount->api, job_id(5).text);
	changed->edition++;
	text = mount_text(mount, 5);
	assert_int_equal(jobs_put(mount->catalog, &changed->job, text.text, text.len,
				 &change, &job),
		0);
	assert_true(job.node != reader.nodes[5]);
	reader.nodes[5] = job.node;
	assert_int_equal(jobs_by_id(mount->catalog, job_id(6).text, &job), 0);
	assert_int_equal(jobs_mark_deleted(mount->catalog, job.row), 0);
	read_through(&reader, 1, 3);
	collect(&reader);
	assert_true(reader.given[4]);
	assert_true(reader.given[5]);
	assert_false(reader.given[6]);
	assert_true(reader.given[7]);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_directorys_order),
		cmocka_unit_test(in_the_names_order),
		cmocka_unit_test(in_the_inode_numbers_order),
		cmocka_unit_test(not_for_a_reader_of_some),
		cmocka_unit_test(a_walk_goes_on_beside_others),
		cmocka_unit_test(a_walk_ends),
		cmocka_unit_test(not_what_is_not_kept),
		cmocka_unit_test(not_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
