/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/* fs/file.c: reading files of jobs. */

enum { READ_MAX = 128 << 10 };

/* Looks up a job's file and returns its node. */
static uint64_t look_up(struct mount *mount, unsigned number)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 job_file(number).text, &entry),
		0);
	return entry.nodeid;
}

/* Puts a text into the catalog that the account does not have, and returns its node. */
static uint64_t put_text(
	struct mount *mount, unsigned number, const char *text, size_t size)
{
	struct job job = fake_find(mount->api, job_id(number).text)->job;
	enum catalog_change change;
	struct catalog_job put;

	assert_int_equal(jobs_put(mount->catalog,
				 &(struct job_state){&job, text, size, NULL, INT64_MAX},
				 &change, &put),
		0);
	assert_int_equal(put.size, size);
	return put.node;
}

static void assert_reads(struct mount *mount, uint64_t node, uint64_t offset,
	uint32_t size, const char *expected, size_t expected_len)
{
	char *data = test_malloc(READ_MAX);
	size_t len;

	assert_int_equal(kernel_read(mount->kernel, node, offset, size, data, &len), 0);
	assert_int_equal(len, expected_len);
	assert_memory_equal(data, expected, len);
	test_free(data);
}

/* SEMANTICS 4.1: a file holds the text of its job, and reads at any offset return it. */
static void a_file_holds_its_text(void **state)
{
	struct mount *mount = mount_new();
	struct job_text text;
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	node = look_up(mount, 1);
	text = mount_text(mount, 1);
	assert_reads(mount, node, 0, READ_MAX, text.text, text.len);
	assert_reads(mount, node, 0, (uint32_t)text.len, text.text, text.len);
	for (uint32_t offset = 0; offset < text.len; offset++) {
		size_t left = text.len - offset;

		assert_reads(
			mount, node, offset, 7, text.text + offset, left < 7 ? left : 7);
		assert_reads(mount, node, offset, READ_MAX, text.text + offset, left);
	}
	assert_int_equal(mount->api->gets, 1);
	mount_free(mount);
}

static void past_the_end_there_is_nothing(void **state)
{
	static const uint64_t beyond[] = {0, 1, 4096, UINT32_MAX, UINT64_C(1) << 40};
	struct mount *mount = mount_new();
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	node = look_up(mount, 1);
	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++)
		assert_reads(
			mount, node, mount_text(mount, 1).len + beyond[i], 4096, "", 0);
	assert_reads(mount, node, INT64_MAX, 4096, "", 0);
	assert_reads(mount, node, UINT64_MAX, 4096, "", 0);
	assert_reads(mount, node, 0, 0, "", 0);
	mount_free(mount);
}

/* A read of a size that no kernel sends takes no more memory than the text. */
static void an_absurd_size(void **state)
{
	struct mount *mount = mount_new();
	struct job_text text;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	text = mount_text(mount, 1);
	assert_reads(mount, look_up(mount, 1), 0, UINT32_MAX, text.text, text.len);
	mount_free(mount);
}

/* SEMANTICS 5.1: a large file is read in pieces of the size that the kernel uses. */
static void a_large_file(void **state)
{
	enum { SIZE = 3 * READ_MAX + 4711 };
	struct mount *mount = mount_new();
	char *text = test_malloc(SIZE);
	uint64_t node;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		text[i] = (char)(' ' + i % 95 + i / 4096 % 7);
	mount_add_jobs(mount, 1, 1);
	node = put_text(mount, 1, text, SIZE);
	for (uint32_t offset = 0; offset < SIZE; offset += READ_MAX) {
		uint32_t left = SIZE - offset;

		assert_reads(mount, node, offset, READ_MAX, text + offset,
			left < READ_MAX ? left : READ_MAX);
	}
	assert_reads(mount, node, READ_MAX - 100, 200, text + READ_MAX - 100, 200);
	mount_free(mount);
	test_free(text);
}

/* SEMANTICS 7.3: a reader never sees a mix of two versions. */
static void an_old_version_is_stale(void **state)
{
	struct mount *mount = mount_new();
	struct job_text text;
	uint64_t old;
	uint64_t new;
	char data[1];
	size_t len;

	(void)state;
	fake_add(mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);
	old = look_up(mount, 1);
	fake_find(mount->api, job_id(1).text)->edition = 7;
	mount_forward(mount, MOUNT_TTL_MS + 1);
	new = look_up(mount, 1);
	assert_int_not_equal(old, new);
	assert_int_equal(kernel_read(mount->kernel, old, 0, 1, data, &len), -ESTALE);
	text = mount_text(mount, 1);
	assert_reads(mount, new, 0, READ_MAX, text.text, text.len);
	fake_remove(mount->api, job_id(1).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_equal(
		kernel_answer(mount->kernel,
			kernel_ask_lookup(mount->kernel,
				kernel_walk(mount->kernel, "all"), job_file(1).text),
			NULL, 0),
		-ENOENT);
	assert_int_equal(kernel_read(mount->kernel, new, 0, 1, data, &len), -ESTALE);
	mount_free(mount);
}

/* SEMANTICS 7.4: an evicted text is fetched again, once for any number of readers. */
static void an_evicted_text_is_fetched_again(void **state)
{
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	uint64_t nodes[2];
	uint64_t reads[2];

	(void)state;
	mount_add_jobs(mount, 1, 2);
	nodes[0] = look_up(mount, 1);
	mount_forward(mount, 1000 * 1000);
	nodes[1] = look_up(mount, 2);
	mount_forward(mount, 0);
	assert_int_equal(mount->api->gets, 2);
	mount->stalled = true;
	for (int i = 0; i < 2; i++)
		reads[i] = kernel_ask_read(mount->kernel, nodes[0], 0, READ_MAX);
	for (int i = 0; i < 2; i++)
		assert_false(kernel_is_answered(mount->kernel, reads[i]));
	assert_int_equal(mount->api->gets, 3);
	/* The end of the file is known without the text. */
	assert_reads(mount, nodes[0], mount_text(mount, 1).len, READ_MAX, "", 0);
	fake_answer_all(mount->api);
	for (int i = 0; i < 2; i++) {
		struct job_text text = mount_text(mount, 1);
		char data[sizeof(text.text)];
		size_t len;

		assert_int_equal(kernel_answer_bytes(mount->kernel, reads[i], data,
					 sizeof(data), &len),
			0);
		assert_int_equal(len, text.len);
		assert_memory_equal(data, text.text, len);
	}
	assert_int_equal(mount->api->gets, 3);
	mount_free(mount);
}

/*
 * SEMANTICS 7.3, 11.1: fetching an evicted text again can return another version, or
 * fail.
 */
static void what_is_fetched_again_may_differ(void **state)
{
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	uint64_t nodes[3];
	char data[512];
	size_t len;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (unsigned i = 0; i < 3; i++) {
		nodes[i] = look_up(mount, i + 1);
		mount_forward(mount, 1000 * 1000);
	}
	fake_find(mount->api, job_id(1).text)->edition = 1000;
	assert_int_equal(
		kernel_read(mount->kernel, nodes[0], 0, 512, data, &len), -ESTALE);
	fake_remove(mount->api, job_id(2).text);
	assert_int_equal(
		kernel_read(mount->kernel, nodes[1], 0, 512, data, &len), -ENOENT);
	assert_int_equal(
		kernel_read(mount->kernel, nodes[1], 0, 512, data, &len), -ESTALE);
	mount_forward(mount, 1000 * 1000);
	look_up(mount, 1);
	mount_forward(mount, 0);
	mount->stalled = true;

	uint64_t number = kernel_ask_read(mount->kernel, nodes[2], 0, 512);

	assert_false(kernel_is_answered(mount->kernel, number));
	mount_forward(mount, MOUNT_TIMEOUT_MS - 1);
	fake_fail(fake_call(mount->api, 0), -EBUSY, "too many");
	assert_int_equal(
		kernel_answer_bytes(mount->kernel, number, data, sizeof(data), &len),
		-EBUSY);
	/* SEMANTICS 11.1: if the kernel's readahead of a page failed, it reads that page
	 * again. */
	assert_int_equal(
		kernel_read(mount->kernel, nodes[2], 0, 512, data, &len), -EBUSY);
	assert_int_equal(mount->api->pending_len, 0);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_holds_its_text),
		cmocka_unit_test(past_the_end_there_is_nothing),
		cmocka_unit_test(an_absurd_size),
		cmocka_unit_test(a_large_file),
		cmocka_unit_test(an_old_version_is_stale),
		cmocka_unit_test(an_evicted_text_is_fetched_again),
		cmocka_unit_test(what_is_fetched_again_may_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
