/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "gladia/timestamp.h"
#include "mount.h"
#include "render/render.h"

/* fs/view.c, fs/job_file.c, fs/slots.c: names of recordings (SEMANTICS 3.7). */

enum { DOTS = 2, LINK_MODE = S_IFLNK | 0777, TARGET_MAX = 256 };

/* Adds a done job; the lower the number, the newer. */
static struct fake_job *add(struct mount *mount, unsigned number, const char *filename)
{
	struct fake_job *job = fake_add(mount->api, job_id(number).text, JOB_DONE,
		MOUNT_WALL_MS - number * INT64_C(1000));

	job->transcript = "Hello.";
	job->filename = filename;
	return job;
}

static void assert_names(struct mount *mount, const char *path, const char *expected)
{
	char names[KERNEL_NAMES_MAX];
	struct kernel_dir dir;

	kernel_opendir_at(mount->kernel, path, &dir);
	kernel_names(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, names);
	kernel_releasedir(mount->kernel, &dir);
	assert_string_equal(names, expected);
}

static int look_up(struct mount *mount, const char *path, const char *name,
	struct fuse_entry_out *ret_entry)
{
	return kernel_lookup(
		mount->kernel, kernel_walk(mount->kernel, path), name, ret_entry);
}

/* A file that exists has this text. */
static void assert_text(
	struct mount *mount, const char *path, const char *name, const char *expected)
{
	struct fuse_entry_out entry;
	char data[512];
	size_t len;

	assert_int_equal(look_up(mount, path, name, &entry), 0);
	if (!entry.nodeid)
		fail_msg("%s/%s is not there", path, name);
	assert_true(S_ISREG(entry.attr.mode));
	assert_int_equal(entry.attr.size, strlen(expected));
	assert_int_equal(
		kernel_read(mount->kernel, entry.nodeid, 0, sizeof(data), data, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(data, expected, len);
}

static void assert_absent(struct mount *mount, const char *path, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(look_up(mount, path, name, &entry), 0);
	if (entry.nodeid)
		fail_msg("%s/%s is there", path, name);
}

/* A name is a symbolic link with this target, valid for at most `seconds`. */
static void assert_link(struct mount *mount, const char *path, const char *name,
	const char *expected, uint64_t seconds)
{
	struct fuse_entry_out entry;
	char target[TARGET_MAX];
	size_t len;

	assert_int_equal(look_up(mount, path, name, &entry), 0);
	if (!entry.nodeid)
		fail_msg("%s/%s is not there", path, name);
	assert_int_equal(entry.attr.mode, LINK_MODE);
	assert_int_equal(entry.attr.size, strlen(expected));
	assert_true(entry.entry_valid <= seconds);

	uint64_t number = kernel_ask(
		mount->kernel, FUSE_READLINK, entry.nodeid, NULL, 0, NULL);

	assert_int_equal(
		kernel_answer_bytes(mount->kernel, number, target, sizeof(target), &len),
		0);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(target, expected, len);
}

#define ID(number) "0000000" #number "-20b7"

/* SEMANTICS 3.7.1: text/ and subtitles/ list the done jobs by their recordings. */
static void jobs_are_named_after_recordings(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	add(mount, 1, "call-0942.mp3");
	add(mount, 2, "J\xc3\xbcrgen 3.5");
	add(mount, 3, NULL);
	add(mount, 4, ".a/b%.WAV");
	add(mount, 5, "broken.mp3")->job.status = JOB_ERROR;
	assert_names(mount, "text",
		"call-0942~" ID(1) ".txt J\xc3\xbcrgen 3.5~" ID(2) ".txt untitled~" ID(
			3) ".txt %2Ea%2Fb%25~" ID(4) ".txt ");
	assert_names(mount,
		"subtitles/before/2100-01-01/after/2000-01-01/status/done,error",
		"call-0942~" ID(1) ".srt call-0942~" ID(1) ".vtt J\xc3\xbcrgen 3.5~" ID(2) ".srt J\xc3\xbcrgen 3.5~" ID(
			2) ".vtt untitled~" ID(3) ".srt "
						  "untitled~" ID(
							  3) ".vtt "
							     "%2Ea%2Fb%25~" ID(
								     4) ".srt "
									"%2Ea%2Fb%"
									"25~" ID(4) ".vtt"
										    " ");
	assert_text(mount, "text", "call-0942~" ID(1) ".txt", "Hello.\n");
	assert_text(mount, "text", "%2Ea%2Fb%25~" ID(4) ".txt", "Hello.\n");
	assert_text(mount, "subtitles", "call-0942~" ID(1) ".vtt", "WEBVTT\n");
	assert_absent(mount, "text", "broken~" ID(5) ".txt");
	assert_absent(mount, "text/status/error", "call-0942~" ID(1) ".txt");
	mount_free(mount);
}

/* SEMANTICS 3.7.2: another job of the same name changes no name. */
static void names_are_stable(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	add(mount, 2, "talk.mp3");
	assert_names(mount, "text", "talk~" ID(2) ".txt ");
	add(mount, 1, "talk.wav");
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_names(mount, "text", "talk~" ID(1) ".txt talk~" ID(2) ".txt ");
	assert_text(mount, "text", "talk~" ID(2) ".txt", "Hello.\n");
	mount_free(mount);
}

/* SEMANTICS 3.7.3: a name without "~ID" leads to the newest job of that name. */
static void a_short_name_is_a_link(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	add(mount, 3, "talk.mp3");
	add(mount, 4, "other~name.mp3");
	assert_link(mount, "text", "talk.txt", "talk~" ID(3) ".txt", 60);
	assert_link(mount, "subtitles", "talk.srt", "talk~" ID(3) ".srt", 60);
	assert_link(mount, "text", "other~name.txt", "other~name~" ID(4) ".txt", 60);
	add(mount, 2, "talk.mp3");
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_link(mount, "text", "talk.txt", "talk~" ID(2) ".txt", 60);
	assert_absent(mount, "text", "tal.txt");
	assert_absent(mount, "text/status/error", "talk.txt");
	assert_absent(mount, "text", "talk~" ID(4) ".txt");
	assert_absent(mount, "text", "talk~.txt");
	assert_absent(mount, "all", "talk.txt");
	/* The newest job may be elsewhere. */
	assert_absent(mount, "text/before/2000-01-01", "talk.txt");
	mount_free(mount);
}

/* SEMANTICS 3.7.3: even if the API does not list the newest jobs first. */
static void the_newest_is_found_in_any_order(void **state)
{
	const struct mount_options options = {.page_size = 2};
	struct mount *mount = mount_new_with(&options);

	(void)state;
	mount->api->rules.order = FAKE_OLDEST_FIRST;
	for (unsigned number = 1; number < 10; number++)
		add(mount, number, number % 4 == 2 ? "talk.mp3" : "other.mp3");
	assert_link(mount, "text", "talk.txt", "talk~" ID(2) ".txt", 60);
	mount_free(mount);
}

/* SEMANTICS 3.7.4: a known job costs no request, an unknown one the listing. */
static void known_jobs_cost_no_request(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	add(mount, 1, "talk.mp3");
	assert_text(mount, "text", "talk~" ID(1) ".txt", "Hello.\n");
	assert_int_equal(mount->api->gets, 0);

	unsigned lists = mount->api->lists;

	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_text(mount, "text", "talk~" ID(1) ".txt", "Hello.\n");
	assert_text(mount, "subtitles", "talk~" ID(1) ".srt", "");
	assert_int_equal(mount->api->lists, lists);
	assert_absent(mount, "text", "talk~" ID(2) ".txt");
	assert_true(mount->api->lists > lists);
	lists = mount->api->lists;
	assert_absent(mount, "text", "talk~" ID(3) ".txt");
	assert_absent(mount, "text", ".git");
	assert_absent(mount, "text", "talk~" ID(1) ".doc");
	assert_absent(mount, "text", "%41~" ID(1) ".txt");
	assert_int_equal(mount->api->lists, lists);
	assert_int_equal(mount->api->gets, 0);
	mount_free(mount);
}

/* SEMANTICS 6.2: listing a view costs what the listing of done jobs costs. */
static void a_view_is_lazy(void **state)
{
	const struct mount_options options = {.page_size = 20};
	struct mount *mount = mount_new_with(&options);
	struct kernel_entries *entries = test_malloc(sizeof(*entries));
	struct kernel_dir dir;

	(void)state;
	mount->api->rules.summaries = true;
	for (unsigned number = 1; number < 100; number++)
		add(mount, number, "talk.mp3");
	kernel_opendir_at(mount->kernel, "text", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(mount->api->lists, 1);
	kernel_releasedir(mount->kernel, &dir);
	assert_int_equal(mount->api->gets, 0);
	test_free(entries);
	mount_free(mount);
}

/* SEMANTICS 8.1.5: translations are files of their own. */
static void translations_have_files(void **state)
{
	const struct mount_options options = {
		.formats = 1 << FORMAT_TXT | 1 << FORMAT_JSON | 1 << FORMAT_MD};
	struct mount *mount = mount_new_with(&options);
	struct fuse_entry_out entry, other;

	(void)state;
	add(mount, 1, "talk.mp3")->language = "de";
	add(mount, 2, "talk.de.mp3");
	assert_names(mount, "all",
		"00000001-20b7-4af7-b3b3-f5fb778203ab.json "
		"00000001-20b7-4af7-b3b3-f5fb778203ab.txt "
		"00000001-20b7-4af7-b3b3-f5fb778203ab.de.txt "
		"00000001-20b7-4af7-b3b3-f5fb778203ab.md "
		"00000002-20b7-4af7-b3b3-f5fb778203ab.json "
		"00000002-20b7-4af7-b3b3-f5fb778203ab.txt "
		"00000002-20b7-4af7-b3b3-f5fb778203ab.md ");
	assert_names(mount, "text",
		"talk~" ID(1) ".txt talk~" ID(1) ".de.txt talk.de~" ID(2) ".txt ");
	assert_text(
		mount, "all", "00000001-20b7-4af7-b3b3-f5fb778203ab.de.txt", "In de.\n");
	assert_text(mount, "text", "talk~" ID(1) ".de.txt", "In de.\n");
	assert_absent(mount, "all", "00000001-20b7-4af7-b3b3-f5fb778203ab.fr.txt");
	assert_absent(mount, "all", "00000001-20b7-4af7-b3b3-f5fb778203ab.de.json");
	assert_absent(mount, "all", "00000001-20b7-4af7-b3b3-f5fb778203ab.DE.txt");
	assert_absent(mount, "text", "talk~" ID(1) ".fr.srt");
	assert_link(mount, "subtitles", "talk.de.srt", "talk.de~" ID(2) ".srt", 60);
	assert_link(mount, "text", "talk.txt", "talk~" ID(1) ".txt", 60);
	assert_int_equal(look_up(mount, "text", "talk~" ID(1) ".txt", &entry), 0);
	assert_int_equal(look_up(mount, "text", "talk~" ID(1) ".de.txt", &other), 0);
	assert_int_equal(other.attr.ino, entry.attr.ino + 8);
	mount_free(mount);
}

/* The longest code of a language, and one that is too long. */
static void the_longest_language(void **state)
{
	const struct mount_options options = {.formats = 1 << FORMAT_TXT};
	struct mount *mount = mount_new_with(&options);

	(void)state;
	add(mount, 1, "talk.mp3")->language = "abcdefgh-123456";
	add(mount, 2, "talk.mp3")->language = "abcdefgh-1234567";
	assert_names(mount, "text",
		"talk~" ID(1) ".txt talk~" ID(1) ".abcdefgh-123456.txt talk~" ID(
			2) ".txt ");
	assert_text(mount, "text", "talk~" ID(1) ".abcdefgh-123456.txt",
		"In abcdefgh-123456.\n");
	mount_free(mount);
}

/* A job that an older version stored without its facts is fetched to find a translation.
 */
static void a_job_without_facts_is_fetched(void **state)
{
	static const char text[] = "{}";
	struct mount *mount = mount_new();
	struct fake_job *job = add(mount, 1, "talk.mp3");
	enum catalog_change change;
	struct catalog_job put;

	(void)state;
	job->language = "de";
	assert_int_equal(jobs_put(mount->catalog,
				 &(struct job_state){
					 &job->job, text, strlen(text), NULL, INT64_MAX},
				 &change, &put),
		0);
	assert_text(
		mount, "all", "00000001-20b7-4af7-b3b3-f5fb778203ab.de.txt", "In de.\n");
	mount_free(mount);
}

/* SEMANTICS 3.6.2: an id with a dot is another job than a translation. */
static void no_translation_hides_a_job(void **state)
{
	const struct mount_options options = {
		.formats = 1 << FORMAT_TXT | 1 << FORMAT_JSON};
	struct mount *mount = mount_new_with(&options);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake_job *job = fake_add(
			mount->api, i ? "a" : "a.de", JOB_DONE, MOUNT_WALL_MS - i);

		job->transcript = i ? "A." : "A dot.";
		job->language = "de";
	}
	assert_names(mount, "all", "a.de.json a.de.txt a.de.de.txt a.json a.txt ");
	assert_text(mount, "all", "a.de.txt", "A dot.\n");
	assert_text(mount, "all", "a.de.de.txt", "In de.\n");
	assert_names(mount, "text",
		"untitled~a%2Ede.txt untitled~a%2Ede.de.txt untitled~a.txt "
		"untitled~a.de.txt ");
	assert_text(mount, "text", "untitled~a%2Ede.txt", "A dot.\n");
	assert_text(mount, "text", "untitled~a.de.txt", "In de.\n");
	mount_free(mount);
}

/*
 * SEMANTICS 3.7: if two jobs have the same name, it means the newer one that belongs to
 * the directory.
 */
static void equal_names_mean_the_newer_job(void **state)
{
	static const char *const ids[] = {"45463597-20b7-4af7-b3b3-f5fb778203aa",
		"45463597-20b7-4af7-b3b3-f5fb778203ab"};
	static const char name[] = "talk~45463597-20b7.txt";
	struct mount *mount = mount_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake_job *job = fake_add(
			mount->api, ids[i], JOB_DONE, MOUNT_DAY_MS - i * DAY_MS);

		job->transcript = i ? "Older." : "Newer.";
		job->filename = "talk.mp3";
	}
	assert_names(mount, "text", "talk~45463597-20b7.txt talk~45463597-20b7.txt ");
	assert_text(mount, "text", name, "Newer.\n");
	assert_text(mount, "text/date/2026-03-31", name, "Older.\n");
	assert_absent(mount, "text/date/2026-03-30", name);
	mount_free(mount);
}

/* SEMANTICS 7.3.4: names in views are notified, too, and so are the links to the job. */
static void a_deleted_job_is_notified(void **state)
{
	struct mount *mount = mount_new();
	struct kernel_notice notice;
	uint64_t text;

	(void)state;
	add(mount, 1, "talk.mp3");
	text = kernel_walk(mount->kernel, "text");
	assert_text(mount, "text", "talk~" ID(1) ".txt", "Hello.\n");
	fake_remove(mount->api, job_id(1).text);
	mount_forward(mount, MOUNT_TTL_MS + 1);
	assert_names(mount, "text", "");
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"talk~" ID(1) ".json",
			"talk~" ID(1) ".txt", "talk.json", "talk.txt"};

		kernel_next_notice(mount->kernel, &notice);
		assert_int_equal(notice.parent, text);
		assert_string_equal(notice.name, names[i]);
	}
	assert_absent(mount, "text", "talk~" ID(1) ".txt");
	assert_absent(mount, "text", "talk.txt");
	mount_free(mount);
}

/* SEMANTICS 10.1.1: only the job's JSON file deletes it, also by this name. */
static void only_json_deletes(void **state)
{
	static const char *const refused[] = {
		"talk~" ID(1) ".txt", "talk.txt", "talk.json"};
	const struct mount_options options = {.allow_delete = true};
	struct mount *mount = mount_new_with(&options);
	uint64_t text;

	(void)state;
	add(mount, 1, "talk.mp3");
	assert_text(mount, "text", "talk~" ID(1) ".txt", "Hello.\n");
	text = kernel_walk(mount->kernel, "text");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		uint64_t number = kernel_ask(
			mount->kernel, FUSE_UNLINK, text, NULL, 0, refused[i]);

		assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), -EROFS);
	}
	assert_int_equal(mount->api->deletes, 0);

	static const char name[] = "talk~" ID(1) ".json";
	uint64_t number = kernel_ask(mount->kernel, FUSE_UNLINK, text, NULL, 0, name);

	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), 0);
	assert_int_equal(mount->api->deletes, 1);
	assert_names(mount, "text", "");
	assert_absent(mount, "text", "talk~" ID(1) ".txt");
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_named_after_recordings),
		cmocka_unit_test(names_are_stable),
		cmocka_unit_test(a_short_name_is_a_link),
		cmocka_unit_test(the_newest_is_found_in_any_order),
		cmocka_unit_test(known_jobs_cost_no_request),
		cmocka_unit_test(a_view_is_lazy),
		cmocka_unit_test(translations_have_files),
		cmocka_unit_test(the_longest_language),
		cmocka_unit_test(a_job_without_facts_is_fetched),
		cmocka_unit_test(no_translation_hides_a_job),
		cmocka_unit_test(equal_names_mean_the_newer_job),
		cmocka_unit_test(a_deleted_job_is_notified),
		cmocka_unit_test(only_json_deletes),
	};

	return cmocka_run_group_tests_name("views", tests, NULL, NULL);
}
