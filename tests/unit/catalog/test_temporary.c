/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "catalog_fixture.h"

/*
 * Without a cache on disk, data that does not fit into memory is written to an unnamed
 * temporary file: SEMANTICS 7.4.
 */

enum { JOBS = 24, TEXT = 1 << 20 };

/*
 * Returns the number of temporary files this process has open. Each must be readable only
 * by its owner and already unlinked, so that it disappears with the process.
 */
static int count_temporary_files(int dir_fd, DIR *dir)
{
	const struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir))) {
		char target[256] = "";
		struct stat status;

		if (readlinkat(dir_fd, entry->d_name, target, sizeof(target) - 1) < 0 ||
			!strstr(target, "/gladiafs-"))
			continue;
		assert_int_equal(fstatat(dir_fd, entry->d_name, &status, 0), 0);
		assert_true(S_ISREG(status.st_mode));
		assert_int_equal(status.st_mode & 07777, 0600);
		assert_int_equal(status.st_uid, geteuid());
		assert_int_equal(status.st_nlink, 0);
		count++;
	}
	return count;
}

static int temporary_files(void)
{
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);

	int count = count_temporary_files(dirfd(dir), dir);

	closedir(dir);
	return count;
}

/* Stores more than SQLite keeps in memory. */
static void fill(struct catalog *catalog)
{
	char *text = malloc(TEXT + 1);

	assert_non_null(text);
	memset(text, 'a', TEXT);
	text[TEXT] = '\0';
	for (int i = 0; i < JOBS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "job%d", i);
		fixture_put(catalog, id, JOB_DONE, text);
	}
	assert_int_equal(catalog_commit(catalog), 0);
	free(text);
}

/* SEMANTICS 7.4: temporary files have no name and mode 0600, whatever the umask is. */
static void test_spec_7_4_unnamed(void **state)
{
	static const mode_t masks[] = {0, 022, 077};
	struct catalog_fixture *fixture = *state;
	mode_t before = umask(0);

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		umask(masks[i]);

		struct catalog *catalog = fixture_open_temporary(fixture, FIXTURE_NO_MAX);

		fill(catalog);
		assert_true(temporary_files() > 0);
		catalog_close(catalog);
		assert_int_equal(temporary_files(), 0);
	}
	umask(before);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {FIXTURE_TEST(test_spec_7_4_unnamed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
