/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
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
 * Returns the total size of the temporary files this process has open. Each must be
 * readable only by its owner and already unlinked, so that it disappears with the
 * process.
 */
static off_t sum_temporary_files(int dir_fd, DIR *dir)
{
	const struct dirent *entry;
	off_t bytes = 0;

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
		bytes += status.st_size;
	}
	return bytes;
}

static off_t temporary_bytes(void)
{
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);

	off_t bytes = sum_temporary_files(dirfd(dir), dir);

	closedir(dir);
	return bytes;
}

/* Stores more than SQLite keeps in memory. */
static void fill(struct catalog *catalog)
{
	char *text = fixture_noise(TEXT);

	for (int i = 0; i < JOBS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "job%d", i);
		fixture_put(catalog, id, JOB_DONE, text);
		assert_int_equal(catalog_commit(catalog), 0);
	}
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
		/* Little of it is in memory. */
		assert_true(temporary_bytes() > (JOBS - 12) * TEXT);
		catalog_close(catalog);
		assert_int_equal(temporary_bytes(), 0);
	}
	umask(before);
	assert_int_equal(fixture_messages(fixture, ""), 0);
}

/* True if catalog_temporary_dir() returns TMPDIR and not SQLITE_TMPDIR. */
static bool is_passed_over(const char *directory)
{
	assert_int_equal(setenv("SQLITE_TMPDIR", directory, 1), 0);

	const char *found = catalog_temporary_dir();

	assert_true(
		strcmp(found, directory) == 0 || strcmp(found, getenv("TMPDIR")) == 0);
	return strcmp(found, directory) != 0;
}

/* SEMANTICS 7.4: the first directory in which files can be created is used. */
static void test_directory(void **state)
{
	char usable[] = "/tmp/gladiafs-test-XXXXXX";
	char other[64];
	char file[64];
	char missing[64];

	(void)state;
	assert_non_null(mkdtemp(usable));
	snprintf(other, sizeof(other), "%s/other", usable);
	snprintf(file, sizeof(file), "%s/file", usable);
	snprintf(missing, sizeof(missing), "%s/missing", usable);
	assert_int_equal(chmod(usable, 0777), 0);
	assert_int_equal(mkdir(other, 0755), 0);
	close(creat(file, 0700));
	assert_int_equal(setenv("TMPDIR", usable, 1), 0);
	assert_false(is_passed_over(other));
	assert_true(is_passed_over(""));
	assert_true(is_passed_over("."));
	assert_true(is_passed_over(missing));
	assert_true(is_passed_over(file));
	/* No directory of another user is used. */
	if (geteuid() == 0) {
		assert_int_equal(setresuid(65534, 0, 0), 0);

		bool passed_over = is_passed_over(other);

		assert_int_equal(setresuid(0, 0, 0), 0);
		assert_true(passed_over);
	}
	unsetenv("SQLITE_TMPDIR");
	unsetenv("TMPDIR");
	unlink(file);
	rmdir(other);
	rmdir(usable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_spec_7_4_unnamed), cmocka_unit_test(test_directory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
