/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"
#include "render/render.h"

/*
 * fs/rendition.c: renditions of jobs in other formats (SEMANTICS 8.1).
 */

enum { READ_MAX = 128 << 10, DOTS = 2 };

static const char *const suffixes[FORMATS] = {".json", ".txt", ".srt", ".vtt", ".md"};

/* The name of a job's file in a format. */
static struct job_name file_as(unsigned number, enum format format)
{
	struct job_name name = job_id(number);

	strcat(name.text, suffixes[format]);
	return name;
}

/* Adds a done job with this transcript. */
static struct fake_job *add_job(
	struct mount *mount, unsigned number, const char *transcript)
{
	struct fake_job *job = fake_add(mount->api, job_id(number).text, JOB_DONE,
		MOUNT_WALL_MS - number * INT64_C(1000));

	job->transcript = transcript;
	return job;
}

static int look_up(struct mount *mount, const char *path, unsigned number,
	enum format format, struct fuse_entry_out *ret_entry)
{
	return kernel_lookup(mount->kernel, kernel_walk(mount->kernel, path),
		file_as(number, format).text, ret_entry);
}

/* Returns the node of a file, which must exist. */
static uint64_t node_of(struct mount *mount, unsigned number, enum format format)
{
	struct fuse_entry_out entry;

	assert_int_equal(look_up(mount, "all", number, format, &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	return entry.nodeid;
}

static void assert_reads(struct mount *mount, uint64_t node, const char *expected)
{
	char *data = test_malloc(READ_MAX);
	size_t len;

	assert_int_equal(kernel_read(mount->kernel, node, 0, READ_MAX, data, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
	test_free(data);
}

/*
 * SEMANTICS 3.5.1, 5.1, 5.2, 8.1: all formats of a job cost one request; sizes are exact,
 * and each format has an inode number of its own.
 */
static void a_job_is_there_as_all_formats(void **state)
{
	static const char *const texts[FORMATS] = {NULL, "Zoë.\n", "", "WEBVTT\n"};
	struct mount *mount = mount_new();

	(void)state;
	add_job(mount, 1, "Zo\\u00eb.");
	for (unsigned i = FORMAT_TXT; i < FORMAT_MD; i++) {
		struct fuse_entry_out entry;
		struct fuse_attr attr;

		assert_int_equal(look_up(mount, "all", 1, (enum format)i, &entry), 0);
		assert_int_equal(entry.nodeid, job_ino(job_id(1).text) | i);
		assert_int_equal(entry.attr.ino, job_ino(job_id(1).text) | i);
		assert_int_equal(entry.attr.size, strlen(texts[i]));
		assert_int_equal(entry.attr.mode, S_IFREG | 0644);
		assert_int_equal(entry.attr.mtime, (MOUNT_WALL_MS - 1000) / 1000);
		assert_int_equal(kernel_getattr(mount->kernel, entry.nodeid, &attr), 0);
		assert_memory_equal(&attr, &entry.attr, sizeof(attr));
		assert_reads(mount, entry.nodeid, texts[i]);
	}
	assert_int_equal(mount->api->gets, 1);
	assert_int_equal(mount->api->lists, 0);
	mount_free(mount);
}

/* SEMANTICS 8.1: any part of a rendition can be read, and nothing beyond its end. */
static void a_text_is_read_in_parts(void **state)
{
	static const char text[] = "One two three.\n";
	struct mount *mount = mount_new();

	(void)state;
	add_job(mount, 1, "One two three.");

	uint64_t node = node_of(mount, 1, FORMAT_TXT);

	for (uint64_t offset = 0; offset < sizeof(text) + 2; offset++) {
		size_t left = offset < strlen(text) ? strlen(text) - offset : 0;
		char data[4];
		size_t len;

		assert_int_equal(
			kernel_read(mount->kernel, node, offset, 4, data, &len), 0);
		assert_int_equal(len, left < 4 ? left : 4);
		if (len)
			assert_memory_equal(data, text + offset, len);
	}
	mount_free(mount);
}

/*
 * SEMANTICS 8.1, 3.5: a job that is not done has no renditions, and renditions exist only
 * in the directories that contain the job.
 */
static void jobs_without_renditions(void **state)
{
	static const struct {
		enum job_status status;
		unsigned cached_s; /* how long the kernel may cache the absence */
	} cases[] = {
		{JOB_QUEUED, 0},
		{JOB_PROCESSING, 0},
		{JOB_ERROR, MOUNT_TTL_MS / 1000},
		{JOB_OTHER, 0},
	};
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		fake_add(mount->api, job_id(i).text, cases[i].status, MOUNT_WALL_MS);
		for (unsigned j = FORMAT_TXT; j < FORMATS; j++) {
			assert_int_equal(
				look_up(mount, "all", i, (enum format)j, &entry), 0);
			assert_int_equal(entry.nodeid, 0);
			assert_int_equal(entry.entry_valid, cases[i].cached_s);
		}
		assert_int_equal(mount->api->gets, i + 1);
	}
	add_job(mount, 9, "Hi.");
	assert_int_equal(look_up(mount, "status/error", 9, FORMAT_TXT, &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(look_up(mount, "status/done", 9, FORMAT_TXT, &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	/* A job that does not exist has no renditions either. */
	assert_int_equal(look_up(mount, "all", 10, FORMAT_TXT, &entry), -ENOENT);
	mount_free(mount);
}

/*
 * SEMANTICS 4.2: if a job is known only as a summary, a lookup of a rendition fetches the
 * whole job first.
 */
static void a_summary_is_fetched_first(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_dir dir;
	char names[KERNEL_NAMES_MAX];

	(void)state;
	mount->api->rules.summaries = true;
	add_job(mount, 1, "Hi.");
	kernel_opendir_at(mount->kernel, "all", &dir);
	kernel_names(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, names);
	assert_int_equal(mount->api->gets, 0);
	assert_reads(mount, node_of(mount, 1, FORMAT_TXT), "Hi.\n");
	assert_int_equal(mount->api->gets, 1);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
}

/* SEMANTICS 7.4: a rendition whose job was evicted is made again. */
static void evicted_renditions_are_made_again(void **state)
{
	enum { JOBS = 100 }; /* more than stay in memory */
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	uint64_t nodes[JOBS];
	struct fuse_attr attr;

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		add_job(mount, i, "Hi.");
		nodes[i] = node_of(mount, i, FORMAT_TXT);
		mount_forward(mount, 1000);
	}
	assert_int_equal(mount->api->gets, JOBS);
	assert_reads(mount, nodes[0], "Hi.\n");
	assert_int_equal(mount->api->gets, JOBS + 1);
	assert_int_equal(kernel_getattr(mount->kernel, nodes[1], &attr), 0);
	assert_int_equal(attr.size, 4);
	assert_int_equal(node_of(mount, 2, FORMAT_TXT), nodes[2]);
	assert_int_equal(mount->api->gets, JOBS + 3);
	/* A rendition that is in memory costs no request. */
	assert_reads(mount, nodes[JOBS - 1], "Hi.\n");
	assert_int_equal(mount->api->gets, JOBS + 3);
	mount_free(mount);
}

/*
 * SEMANTICS 8.1, 8.3.9: both formats of subtitles are made together, so a reader of both
 * has the job's text unpacked once, and needs no request for the second one even if the
 * text was evicted meanwhile.
 */
static void subtitles_are_made_together(void **state)
{
	enum { JOBS = 2 };
	static const enum format orders[JOBS][2] = {
		{FORMAT_SRT, FORMAT_VTT}, {FORMAT_VTT, FORMAT_SRT}};
	static const char *const texts[FORMATS] = {
		[FORMAT_SRT] = "", [FORMAT_VTT] = "WEBVTT\n"};
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	uint64_t nodes[JOBS];

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		add_job(mount, i, "Hi.");
		nodes[i] = node_of(mount, i, orders[i][0]);
		mount_forward(mount, 1000);
	}
	assert_int_equal(mount->api->gets, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		enum format other = orders[i][1];

		assert_reads(mount, node_of(mount, i, other), texts[other]);
		assert_reads(mount, nodes[i], texts[orders[i][0]]);
	}
	assert_int_equal(mount->api->gets, JOBS);
	/* The JSON text of the first job is needed again for a format that was not made.
	 */
	assert_reads(mount, node_of(mount, 0, FORMAT_TXT), "Hi.\n");
	assert_int_equal(mount->api->gets, JOBS + 1);
	mount_free(mount);
}

/*
 * The file consists of `len` times `letter` and a newline; checks its size and both ends.
 */
static void assert_reads_letters(
	struct mount *mount, uint64_t node, char letter, size_t len)
{
	struct fuse_attr attr;
	char data[4];
	size_t got;

	assert_int_equal(kernel_read(mount->kernel, node, 0, 4, data, &got), 0);
	assert_int_equal(got, 4);
	assert_memory_equal(data, ((char[]){letter, letter, letter, letter}), 4);
	assert_int_equal(kernel_read(mount->kernel, node, len - 2, 4, data, &got), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(data, ((char[]){letter, letter, '\n'}), 3);
	assert_int_equal(kernel_getattr(mount->kernel, node, &attr), 0);
	assert_int_equal(attr.size, len + 1);
}

/*
 * SEMANTICS 8.1: the 8 MiB of renditions that were used last stay in memory, and the last
 * one always does.
 */
static void long_texts_are_kept_within_a_limit(void **state)
{
	enum { TEXTS = 4, LEN = 3 << 20, LONGEST = 9 << 20 };
	static const struct mount_options options = {.texts_max = 1};
	struct mount *mount = mount_new_with(&options);
	char *transcript[TEXTS];
	uint64_t nodes[TEXTS];

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		size_t len = i < TEXTS - 1 ? LEN : LONGEST;

		transcript[i] = test_malloc(len + 1);
		memset(transcript[i], 'a' + (int)i, len);
		transcript[i][len] = '\0';
		add_job(mount, i, transcript[i]);
	}
	for (unsigned i = 0; i < TEXTS - 1; i++) {
		nodes[i] = node_of(mount, i, FORMAT_TXT);
		mount_forward(mount, 1000);
		/* The first rendition is used again and again. */
		assert_reads_letters(mount, nodes[0], 'a', LEN);
	}
	assert_int_equal(mount->api->gets, 3);
	assert_reads_letters(mount, nodes[2], 'c', LEN);
	assert_int_equal(mount->api->gets, 3);
	assert_reads_letters(mount, nodes[1], 'b', LEN);
	assert_int_equal(mount->api->gets, 4);
	nodes[3] = node_of(mount, 3, FORMAT_TXT);
	mount_forward(mount, 1000);
	assert_reads_letters(mount, nodes[3], 'd', LONGEST);
	assert_int_equal(mount->api->gets, 5);
	assert_reads_letters(mount, nodes[2], 'c', LEN);
	assert_int_equal(mount->api->gets, 6);
	mount_free(mount);
	for (unsigned i = 0; i < TEXTS; i++)
		test_free(transcript[i]);
}

/*
 * SEMANTICS 7.3: a new version is a new file, and an old file never shows the new
 * version.
 */
static void a_new_version_is_another_file(void **state)
{
	struct mount *mount = mount_new();
	struct fake_job *job = add_job(mount, 1, "Old.");
	struct catalog_job put;
	enum catalog_change change;
	struct fuse_attr attr;
	char data[16];
	size_t len;
	static const char text[] =
		"{\"result\":{\"transcription\":{\"full_transcript\":\"Newer.\"}}}";

	(void)state;

	uint64_t old = node_of(mount, 1, FORMAT_TXT);

	assert_int_equal(jobs_put(mount->catalog,
				 &(struct job_state){
					 &job->job, text, strlen(text), NULL, INT64_MAX},
				 &change, &put),
		0);
	assert_int_equal(change, CATALOG_CHANGED);
	assert_int_equal(kernel_read(mount->kernel, old, 0, 16, data, &len), -ESTALE);
	assert_int_equal(kernel_getattr(mount->kernel, old, &attr), -ESTALE);

	uint64_t new = node_of(mount, 1, FORMAT_TXT);

	assert_int_equal(new, put.node | FORMAT_TXT);
	assert_int_not_equal(new, old);
	assert_reads(mount, new, "Newer.\n");
	assert_int_equal(kernel_getattr(mount->kernel, new, &attr), 0);
	assert_int_equal(attr.ino, job_ino(job_id(1).text) | FORMAT_TXT);
	jobs_mark_deleted(mount->catalog, put.row);
	assert_int_equal(kernel_read(mount->kernel, new, 0, 16, data, &len), -ESTALE);
	mount_free(mount);
}

/* SEMANTICS 4.3: the text in the catalog is not a valid job. */
static void no_job_at_all(void **state)
{
	struct mount *mount = mount_new();
	struct fake_job *job = add_job(mount, 1, "Hi.");
	struct catalog_job put;
	enum catalog_change change;
	struct fuse_entry_out entry;

	(void)state;
	assert_int_equal(
		jobs_put(mount->catalog,
			&(struct job_state){&job->job, "[1]", 3, NULL, INT64_MAX},
			&change, &put),
		0);
	assert_int_equal(look_up(mount, "all", 1, FORMAT_SRT, &entry), -EIO);
	mount_free(mount);
}

/*
 * SEMANTICS 7.3: the names of renditions that the kernel has looked up are invalidated
 * together with the name of the job.
 */
static void names_are_forgotten_with_the_job(void **state)
{
	static const enum format formats[] = {FORMAT_JSON, FORMAT_TXT, FORMAT_VTT};
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;
	struct kernel_notice notice;
	struct fake_job *job = fake_add(
		mount->api, job_id(1).text, JOB_QUEUED, MOUNT_WALL_MS);

	(void)state;
	/* The kernel learns that these two do not exist yet; that must be invalidated as
	 * well. */
	assert_int_equal(look_up(mount, "all", 1, FORMAT_TXT, &entry), 0);
	assert_int_equal(look_up(mount, "all", 1, FORMAT_VTT, &entry), 0);
	job->job.status = JOB_DONE;
	job->transcript = "Hi.";
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_int_not_equal(node_of(mount, 1, FORMAT_TXT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		kernel_next_notice(mount->kernel, &notice);
		assert_int_equal(notice.parent, kernel_walk(mount->kernel, "all"));
		assert_string_equal(notice.name, file_as(1, formats[i]).text);
	}
	mount_free(mount);
}

/* A node number that no lookup has returned is stale, whatever its format bits are. */
static void unknown_node_numbers(void **state)
{
	struct mount *mount = mount_new();
	static const uint64_t nodes[] = {
		1ull << 62 | 1, 1ull << 62 | 3, ~0ull, 3, 1ull << 63};
	struct fuse_attr attr;
	char data[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		assert_int_equal(kernel_getattr(mount->kernel, nodes[i], &attr), -ESTALE);
		assert_int_equal(
			kernel_read(mount->kernel, nodes[i], 0, 16, data, &len), -ESTALE);
	}
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_there_as_all_formats),
		cmocka_unit_test(a_text_is_read_in_parts),
		cmocka_unit_test(jobs_without_renditions),
		cmocka_unit_test(a_summary_is_fetched_first),
		cmocka_unit_test(evicted_renditions_are_made_again),
		cmocka_unit_test(subtitles_are_made_together),
		cmocka_unit_test(long_texts_are_kept_within_a_limit),
		cmocka_unit_test(a_new_version_is_another_file),
		cmocka_unit_test(no_job_at_all),
		cmocka_unit_test(names_are_forgotten_with_the_job),
		cmocka_unit_test(unknown_node_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
