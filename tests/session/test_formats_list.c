/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"
#include "render/render.h"

/* fs/slots.c, fs/dir.c: names of jobs in several formats (SEMANTICS 8.1). */

enum { DOTS = 2, PAGE = 4 };

/* The name of a job's file in a format. */
static struct job_name file_as(unsigned number, enum format format)
{
	struct job_name name = job_id(number);

	strcat(name.text, format_suffix(format));
	return name;
}

/* Writes the names that a listing of these jobs must have to `names`. */
static void expect(char *names, unsigned first, unsigned last, unsigned formats)
{
	names[0] = '\0';
	for (unsigned number = first; number <= last; number++)
		for (unsigned i = 0; i < FORMATS; i++)
			if (formats & 1u << i && (i == FORMAT_JSON || number % 3))
				strcat(strcat(names,
					       file_as(number, (enum format)i).text),
					" ");
}

/*
 * SEMANTICS 8.1, 6.4: the chosen formats are listed after each done job, and every cookie
 * continues at its entry.
 */
static void chosen_formats_are_listed(void **state)
{
	enum { JOBS = 23 };
	static const unsigned wanted[] = {1 << FORMAT_JSON,
		1 << FORMAT_JSON | 1 << FORMAT_VTT, 1 << FORMAT_TXT | 1 << FORMAT_SRT,
		0xf};
	static const uint32_t sizes[] = {200, 500, 1000, KERNEL_DIR_SIZE};
	struct kernel_entries *entries = test_malloc(sizeof(*entries));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct mount_options options = {
			.page_size = PAGE, .formats = wanted[i]};
		struct mount *mount = mount_new_with(&options);
		char expected[KERNEL_NAMES_MAX], names[KERNEL_NAMES_MAX];
		struct kernel_dir dir;

		for (unsigned number = 1; number <= JOBS; number++)
			fake_add(mount->api, job_id(number).text,
				number % 3 ? JOB_DONE : JOB_ERROR,
				MOUNT_WALL_MS - number * INT64_C(1000));
		expect(expected, 1, JOBS, wanted[i]);
		kernel_opendir_at(mount->kernel, "all", &dir);
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			dir.bare = j % 2;
			kernel_names(mount->kernel, &dir, DOTS, sizes[j], names);
			assert_string_equal(names, expected);
		}
		dir.bare = false;
		/* Reading from a cookie returns the same names as the first time. */
		const char *rest = expected;

		assert_int_equal(kernel_readdir(mount->kernel, &dir, DOTS,
					 KERNEL_DIR_SIZE, entries),
			0);
		for (size_t j = 0; j < entries->len; j++) {
			rest += strlen(entries->entries[j].name) + 1;
			kernel_names(mount->kernel, &dir, entries->entries[j].cookie,
				1000, names);
			assert_string_equal(names, rest);
		}
		assert_int_equal(mount->api->gets, 0);
		kernel_releasedir(mount->kernel, &dir);
		mount_free(mount);
	}
	test_free(entries);
}

/* SEMANTICS 6.2: listing renditions renders no text and fetches no further page. */
static void listed_lazily(void **state)
{
	static const struct mount_options options = {
		.page_size = PAGE, .formats = 1 << FORMAT_JSON | 1 << FORMAT_TXT};
	struct mount *mount = mount_new_with(&options);
	struct kernel_entries *entries = test_malloc(sizeof(*entries));
	struct kernel_dir dir;

	(void)state;
	mount->api->rules.summaries = true;
	mount_add_jobs(mount, 1, 50);
	kernel_opendir_at(mount->kernel, "all", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, DOTS, KERNEL_DIR_SIZE, entries), 0);
	assert_int_equal(entries->len, 2 * PAGE);
	for (unsigned i = 0; i < 2 * PAGE; i++) {
		const struct kernel_entry *entry = &entries->entries[i];

		assert_int_equal(entry->entry_out.nodeid, 0);
		assert_int_equal(entry->type, S_IFREG);
		assert_int_equal(
			entry->ino, job_ino(job_id(i / 2 + 1).text) | (i & FORMAT_TXT));
	}
	assert_int_equal(mount->api->lists, 1);
	/* Reading within the page costs no request. */
	for (unsigned i = 0; i < 2 * PAGE; i++)
		assert_int_equal(
			kernel_readdir(mount->kernel, &dir, DOTS + i, 300, entries), 0);
	assert_int_equal(mount->api->lists, 1);
	assert_int_equal(mount->api->gets, 0);
	kernel_releasedir(mount->kernel, &dir);
	mount_free(mount);
	test_free(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_formats_are_listed),
		cmocka_unit_test(listed_lazily),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
