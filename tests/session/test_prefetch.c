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
 * fs/prefetch.c: texts that are pushed into the page cache before the kernel asks for
 * them (SEMANTICS 7.3.2).
 */

enum { JOBS = 300, LAST = 900 };

/* The first READs push nothing, the next ones fewer files than those after them. */
enum { READS_IDLE = 2, READS_SLOW = 6 };

/* Positions of all jobs, and how many of them are left out. */
enum { POSITIONS = JOBS + 1, LEFT_OUT = JOBS / PREFETCH_FILES + 1 };

/* The jobs' nodes that the kernel knows, and the texts that it was given. */
struct reader {
	struct mount *mount;
	uint64_t nodes[JOBS + 1]; /* indexed by the number of the job */
	uint64_t last;            /* node of the job that changes */
	bool given[JOBS + 1];
	unsigned given_len; /* the text of `last` included */
	unsigned reads;
	unsigned next;   /* position of the next text to be given */
	unsigned passed; /* number of texts given or left out */
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
 * Adds jobs in the order of their numbers. Another job, which changes in the tests, comes
 * last and does not belong to the reader.
 */
static void reader_add_jobs(struct reader *reader, struct mount *mount)
{
	*reader = (struct reader){.mount = mount};
	mount_add_jobs(mount, 1, JOBS);
	fake_add(mount->api, job_id(LAST).text, JOB_QUEUED,
		MOUNT_WALL_MS - (JOBS + 1) * INT64_C(1000));
}

static void reader_look_up(struct reader *reader)
{
	for (unsigned i = 1; i <= JOBS; i++)
		reader->nodes[i] = look_up(reader->mount, "all", i);
	reader->last = look_up(reader->mount, "all", LAST);
}

static void reader_init(struct reader *reader, struct mount *mount)
{
	reader_add_jobs(reader, mount);
	list(mount, "all");
	reader_look_up(reader);
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
	reader->reads++;
}

static void take(struct reader *reader, const struct kernel_notice *notice)
{
	assert_int_equal(notice->code, FUSE_NOTIFY_STORE);
	reader->given_len++;
	if (notice->node == reader->last)
		return;
	for (unsigned i = 1; i <= JOBS; i++) {
		if (notice->node != reader->nodes[i])
			continue;

		struct job_text text = mount_text(reader->mount, i);

		assert_int_equal(notice->offset, 0);
		assert_int_equal(notice->len, text.len);
		assert_memory_equal(notice->text, text.text, text.len);
		assert_false(reader->given[i]);
		reader->given[i] = true;
		return;
	}
	fail_msg("a text of an unknown node");
}

/* Waits for `count` texts. */
static void take_texts(struct reader *reader, unsigned count)
{
	struct kernel_notice notice;

	while (count--) {
		kernel_next_notice(reader->mount->kernel, &notice);
		take(reader, &notice);
	}
}

/*
 * Takes all notifications so far. They arrive in the order in which they are made, so the
 * notification about the job that changes marks the end.
 */
static void take_rest(struct reader *reader)
{
	struct mount *mount = reader->mount;
	struct kernel_notice notice;

	fake_find(mount->api, job_id(LAST).text)->edition++;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	look_up(mount, "all", LAST);
	for (;;) {
		kernel_next_notice(mount->kernel, &notice);
		if (strcmp(notice.name, job_file(LAST).text) == 0)
			return;
		take(reader, &notice);
	}
}

/* Reads a file and waits for the texts that its READ pushes. Each text is pushed once. */
static void read_and_take(struct reader *reader, unsigned number)
{
	unsigned pushes = PREFETCH_FILES;
	unsigned texts = 0;

	read_job(reader, number);
	if (reader->reads <= READS_IDLE)
		return;
	if (reader->reads == READS_IDLE + 1)
		reader->next = number;
	if (reader->reads <= READS_IDLE + READS_SLOW)
		pushes = 1u << (reader->reads - READS_IDLE - 1);
	for (; pushes && reader->passed < POSITIONS; pushes--) {
		texts += reader->next % POSITIONS % PREFETCH_FILES != 0;
		reader->next++;
		reader->passed++;
	}
	take_texts(reader, texts);
}

/* Reads a file unless its text was pushed, as the kernel would. */
static void read_next(struct reader *reader, unsigned number)
{
	if (!reader->given[number])
		read_and_take(reader, number);
}

/* Reads all files, starting with `first`, `step` numbers apart. */
static void in_steps(unsigned first, unsigned step)
{
	struct mount *mount = mount_new();
	struct reader reader;

	reader_init(&reader, mount);
	for (unsigned i = 0; i < JOBS; i++)
		read_next(&reader, 1 + (first - 1 + i * step) % JOBS);
	/* All other files were pushed, even those that were read before. */
	assert_int_equal(reader.given_len, POSITIONS - LEFT_OUT);
	assert_in_range(reader.reads, JOBS / PREFETCH_FILES,
		READS_IDLE + READS_SLOW + JOBS / PREFETCH_FILES + LEFT_OUT);
	take_rest(&reader);
	assert_int_equal(reader.given_len, POSITIONS - LEFT_OUT);
	mount_free(mount);
}

static void in_the_order_of_the_listing(void **state)
{
	(void)state;
	in_steps(1, 1);
}

static void from_the_middle_of_the_listing(void **state)
{
	(void)state;
	in_steps(JOBS / 2, 1);
}

static void in_reverse_order(void **state)
{
	(void)state;
	in_steps(JOBS, JOBS - 1);
}

/* As with names or inode numbers, which have nothing to do with the listing's order. */
static void in_another_order(void **state)
{
	(void)state;
	in_steps(1, 77);
}

/* The next files are those that follow the third READ in the listing. */
static void the_next_files(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	read_next(&reader, 100);
	read_next(&reader, 50);
	read_next(&reader, 200);
	assert_true(reader.given[201]);
	read_next(&reader, 7);
	assert_true(reader.given[202]);
	assert_true(reader.given[203]);
	take_rest(&reader);
	assert_int_equal(reader.given_len, 3);
	mount_free(mount);
}

/* Single files, each more than a pause after the one before, push nothing. */
static void not_for_single_files(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	for (unsigned i = 1; i <= 50; i++) {
		read_job(&reader, i);
		mount_forward(mount, PREFETCH_PAUSE_MS + 1);
	}
	take_rest(&reader);
	assert_int_equal(reader.given_len, 0);
	mount_free(mount);
}

static void not_for_the_same_file_again(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	for (unsigned i = 0; i < 50; i++)
		read_job(&reader, 7);
	take_rest(&reader);
	assert_int_equal(reader.given_len, 0);
	mount_free(mount);
}

/* A reader of two files, then of two others. */
static void a_pause_starts_again(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	for (unsigned i = 1; i <= 2; i++)
		read_job(&reader, i);
	mount_forward(mount, PREFETCH_PAUSE_MS + 1);
	for (unsigned i = 3; i <= 4; i++)
		read_job(&reader, i);
	mount_forward(mount, PREFETCH_PAUSE_MS);
	read_job(&reader, 5);
	take_texts(&reader, 1);
	assert_true(reader.given[6]);
	take_rest(&reader);
	assert_int_equal(reader.given_len, 1);
	mount_free(mount);
}

/* Files are pushed once, even if the kernel does not keep them; again after an OPENDIR.
 */
static void pushes_end(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	for (unsigned i = 0; i < 3 * JOBS; i++)
		read_and_take(&reader, 1 + i * 77 % JOBS);
	assert_int_equal(reader.given_len, POSITIONS - LEFT_OUT);
	list(mount, "all");
	reader.given[6] = reader.given[7] = reader.given[8] = false;
	for (unsigned i = 3; i <= 6; i++)
		read_job(&reader, i);
	take_rest(&reader);
	assert_int_equal(reader.given_len, POSITIONS - LEFT_OUT + 3);
	mount_free(mount);
}

/* Files of a directory that was opened are pushed, not those of another one. */
static void in_the_directory_of_the_file(void **state)
{
	struct mount *mount = mount_new();
	struct reader reader;

	(void)state;
	reader_init(&reader, mount);
	fake_add(mount->api, job_id(JOBS + 1).text, JOB_ERROR, MOUNT_WALL_MS);
	list(mount, "status/error");
	for (unsigned i = 1; i <= 3; i++)
		read_job(&reader, i);
	take_texts(&reader, 1);
	assert_true(reader.given[4]);
	take_rest(&reader);
	assert_int_equal(reader.given_len, 1);
	mount_free(mount);
}

/* While a listing grows, there are next files only as far as it was fetched. */
static void as_far_as_the_listing_goes(void **state)
{
	static const struct mount_options options = {.page_size = 10};
	struct mount *mount = mount_new_with(&options);
	struct kernel_entries *entries = test_malloc(sizeof(*entries));
	char names[KERNEL_NAMES_MAX];
	struct reader reader;
	struct kernel_dir dir;

	(void)state;
	reader_add_jobs(&reader, mount);
	kernel_opendir_at(mount->kernel, "all", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, 2, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, options.page_size);
	reader_look_up(&reader);
	for (unsigned i = 8; i <= 10; i++)
		read_job(&reader, i);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	read_job(&reader, 11);
	take_rest(&reader);
	assert_true(reader.given[12] && reader.given[13]);
	assert_int_equal(reader.given_len, 2);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

/* If a few files are read in another order than the listing's, only these are fetched. */
static void evicted_texts_are_not_prefetched(void **state)
{
	static const struct mount_options options = {.texts_max = 20 * 100};
	struct mount *mount = mount_new_with(&options);
	struct reader reader;
	unsigned gets;

	(void)state;
	reader_init(&reader, mount);
	gets = mount->api->gets;
	for (unsigned i = 8; i; i--)
		read_job(&reader, i);
	take_rest(&reader);
	assert_true(reader.given_len < 30);
	/* The jobs that were read, and the one that changes. */
	assert_int_equal(mount->api->gets, gets + 8 + 1);
	mount_free(mount);
}

/*
 * SEMANTICS 7.4.12: if many files are read in another order, evicted texts are fetched in
 * pages, and pushed.
 */
static void evicted_texts_in_another_order(void **state)
{
	static const struct mount_options options = {.texts_max = 20 * 100};
	struct mount *mount = mount_new_with(&options);
	struct reader reader;
	unsigned gets, lists;

	(void)state;
	reader_init(&reader, mount);
	gets = mount->api->gets;
	lists = mount->api->lists;
	for (unsigned i = 0; i < JOBS; i++)
		read_job(&reader, 1 + i * 77 % JOBS);
	take_rest(&reader);
	assert_in_range(reader.given_len, JOBS / 2, JOBS);
	assert_in_range(mount->api->gets, gets + 1, gets + JOBS / 8);
	assert_in_range(mount->api->lists, lists + 1, lists + 20);
	mount_free(mount);
}

/*
 * SEMANTICS 7.4.12: evicted texts are fetched in pages ahead of a reader in the order of
 * the listing, and pushed when they have arrived.
 */
static void evicted_texts_come_in_pages(void **state)
{
	static const struct mount_options options = {.texts_max = 20 * 100};
	struct mount *mount = mount_new_with(&options);
	struct reader reader;
	unsigned gets, lists;

	(void)state;
	reader_init(&reader, mount);
	gets = mount->api->gets;
	lists = mount->api->lists;
	for (unsigned i = 1; i <= JOBS; i++)
		read_job(&reader, i);
	take_rest(&reader);
	assert_in_range(reader.given_len, JOBS / 2, JOBS);
	assert_in_range(mount->api->gets, gets + 1, gets + 1 + 2);
	assert_in_range(mount->api->lists, lists + 1, lists + 10);
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
	reader_init(&reader, mount);
	changed = fake_find(mount->api, job_id(5).text);
	changed->edition++;
	text = mount_text(mount, 5);
	assert_int_equal(jobs_put(mount->catalog,
				 &(struct job_state){&changed->job, text.text, text.len,
					 NULL, INT64_MAX},
				 &change, &job),
		0);
	assert_true(job.node != reader.nodes[5]);
	reader.nodes[5] = job.node;
	assert_int_equal(jobs_by_id(mount->catalog, job_id(6).text, &job), 0);
	assert_int_equal(jobs_mark_deleted(mount->catalog, job.row), 0);
	for (unsigned i = 1; i <= 3; i++)
		read_job(&reader, i);
	read_job(&reader, 9);
	read_job(&reader, 10);
	take_rest(&reader);
	assert_true(reader.given[4]);
	assert_true(reader.given[5]);
	assert_false(reader.given[6]);
	assert_true(reader.given[7]);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_order_of_the_listing),
		cmocka_unit_test(from_the_middle_of_the_listing),
		cmocka_unit_test(in_reverse_order),
		cmocka_unit_test(in_another_order),
		cmocka_unit_test(the_next_files),
		cmocka_unit_test(not_for_single_files),
		cmocka_unit_test(not_for_the_same_file_again),
		cmocka_unit_test(a_pause_starts_again),
		cmocka_unit_test(pushes_end),
		cmocka_unit_test(in_the_directory_of_the_file),
		cmocka_unit_test(as_far_as_the_listing_goes),
		cmocka_unit_test(evicted_texts_are_not_prefetched),
		cmocka_unit_test(evicted_texts_come_in_pages),
		cmocka_unit_test(evicted_texts_in_another_order),
		cmocka_unit_test(not_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
