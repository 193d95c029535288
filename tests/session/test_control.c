/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/recent_log.h"
#include "mount.h"

/* fs/control.c, fs/stats.c: SEMANTICS 9.1. */

enum { TEXT_MAX = 64 << 10, SNAPSHOTS_MAX = 64 };

static uint64_t control(struct mount *mount)
{
	return kernel_walk(mount->kernel, ".gladiafs");
}

static struct fuse_entry_out look_up(struct mount *mount, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, control(mount), name, &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	return entry;
}

/* Reads a file to its end in small pieces. */
static size_t read_all(struct mount *mount, uint64_t node, char text[static TEXT_MAX])
{
	enum { PIECE = 100 };
	size_t len = 0;
	size_t got;

	do {
		assert_int_equal(
			kernel_read(mount->kernel, node, len, PIECE, text + len, &got),
			0);
		len += got;
		assert_true(len + PIECE < TEXT_MAX);
	} while (got == PIECE);
	text[len] = '\0';
	return len;
}

static const char *read_control(
	struct mount *mount, const char *name, char text[static TEXT_MAX])
{
	struct fuse_entry_out entry = look_up(mount, name);

	assert_int_equal(read_all(mount, entry.nodeid, text), entry.attr.size);
	kernel_forget(mount->kernel, entry.nodeid, 1);
	return text;
}

/* SEMANTICS 9.1.1, 3.1: the control directory resolves by name and is not listed. */
static void it_is_there_and_not_listed(void **state)
{
	static const char *const files[] = {"config", "errors", "stats"};
	struct mount *mount = mount_new();
	struct kernel_dir dir = {.node = FUSE_ROOT_ID};
	struct kernel_entries entries;
	struct fuse_entry_out entry;
	char names[KERNEL_NAMES_MAX];

	(void)state;
	assert_int_equal(kernel_opendir(mount->kernel, FUSE_ROOT_ID, &dir), 0);
	kernel_names(mount->kernel, &dir, 0, KERNEL_DIR_SIZE, names);
	assert_null(strstr(names, "gladiafs"));
	kernel_releasedir(mount->kernel, &dir);
	kernel_opendir_at(mount->kernel, ".gladiafs", &dir);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, 2, KERNEL_DIR_SIZE, &entries), 0);
	assert_int_equal(entries.len, 3);
	for (size_t i = 0; i < entries.len; i++) {
		entry = look_up(mount, files[i]);
		assert_string_equal(entries.entries[i].name, files[i]);
		assert_int_equal(entries.entries[i].type, S_IFREG);
		assert_int_equal(entries.entries[i].ino, entry.attr.ino);
		assert_int_equal(entry.attr.mode, S_IFREG | 0644);
		assert_int_equal(entry.attr.uid, MOUNT_UID);
	}
	kernel_releasedir(mount->kernel, &dir);
	assert_int_equal(
		kernel_lookup(mount->kernel, control(mount), "other", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	/* Other directories have no such entry. */
	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 ".gladiafs", &entry),
		0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(mount->api->lists + mount->api->gets, 0);
	mount_free(mount);
}

/* Each lookup creates a text of its own, whose size is exact. */
static void a_lookup_makes_a_snapshot(void **state)
{
	static char before[TEXT_MAX];
	static char after[TEXT_MAX];
	struct mount *mount = mount_new();
	struct fuse_entry_out one = look_up(mount, "stats");
	struct fuse_attr attr;

	(void)state;
	assert_int_equal(one.entry_valid + one.entry_valid_nsec, 0);
	assert_int_equal(read_all(mount, one.nodeid, before), one.attr.size);
	assert_int_equal(one.attr.blocks, (one.attr.size + 511) / 512);

	struct fuse_entry_out two = look_up(mount, "stats");

	assert_int_not_equal(one.nodeid, two.nodeid);
	assert_int_equal(one.attr.ino, two.attr.ino);
	assert_int_equal(read_all(mount, two.nodeid, after), two.attr.size);
	assert_string_not_equal(before, after);
	/* The first text has not changed. */
	assert_int_equal(read_all(mount, one.nodeid, after), one.attr.size);
	assert_string_equal(before, after);
	assert_int_equal(kernel_getattr(mount->kernel, one.nodeid, &attr), 0);
	assert_int_equal(attr.size, one.attr.size);
	mount_free(mount);
}

/*
 * SEMANTICS 11.3: a snapshot is freed when the kernel forgets it, or when there are too
 * many.
 */
static void snapshots_end(void **state)
{
	struct mount *mount = mount_new();
	uint64_t nodes[SNAPSHOTS_MAX + 1];
	struct fuse_attr attr;
	char byte;
	size_t len;

	(void)state;
	nodes[0] = look_up(mount, "config").nodeid;
	kernel_forget(mount->kernel, nodes[0], 1);
	assert_int_equal(kernel_getattr(mount->kernel, nodes[0], &attr), -ESTALE);
	assert_int_equal(
		kernel_read(mount->kernel, nodes[0], 0, 1, &byte, &len), -ESTALE);
	for (int i = 0; i <= SNAPSHOTS_MAX; i++)
		nodes[i] = look_up(mount, "config").nodeid;
	assert_int_equal(kernel_getattr(mount->kernel, nodes[0], &attr), -ESTALE);
	kernel_forget(mount->kernel, nodes[0], 1);
	for (int i = 1; i <= SNAPSHOTS_MAX; i++)
		assert_int_equal(kernel_getattr(mount->kernel, nodes[i], &attr), 0);
	kernel_forget_batch(mount->kernel, nodes + 1, SNAPSHOTS_MAX, 1);
	assert_int_equal(kernel_getattr(mount->kernel, nodes[1], &attr), -ESTALE);
	mount_free(mount);
}

static void config_shows_options_in_effect(void **state)
{
	static char text[TEXT_MAX];
	struct mount *mount = mount_new();

	(void)state;
	assert_string_equal(read_control(mount, "config", text), "ttl=60\n");
	mount_free(mount);
}

static void messages_and_waits_are_counted(void **state)
{
	static char text[TEXT_MAX];
	struct mount *mount = mount_new();
	struct fuse_entry_out entry;
	uint64_t all = kernel_walk(mount->kernel, "all");

	(void)state;
	mount_add_jobs(mount, 1, 3);
	mount->stalled = true;

	uint64_t waiting = kernel_ask_lookup(mount->kernel, all, job_file(1).text);

	assert_false(kernel_is_answered(mount->kernel, waiting));
	assert_non_null(strstr(read_control(mount, "stats", text), "\"waiting\": 1"));
	mount->stalled = false;
	mount_forward(mount, 20);
	assert_int_equal(kernel_answer(mount->kernel, waiting, &entry, sizeof(entry)), 0);
	read_control(mount, "stats", text);
	assert_non_null(strstr(text, "\"waiting\": 0"));
	assert_non_null(strstr(text, "\"waits\": 1"));
	assert_non_null(strstr(text, "\"max\": 20"));
	assert_non_null(strstr(text, "\"sent\": 1"));
	assert_non_null(strstr(text, "\"known\": 1"));
	/* The lookups of all/ and of its job, and twice those of .gladiafs and of the
	 * file read here. */
	assert_non_null(strstr(text, "\"lookup\": 6"));
	assert_non_null(strstr(text, "\"init\": 1"));
	mount_free(mount);
}

/* SEMANTICS 9.1: the statistics show a refresh that is still running. */
static void refreshes_in_progress_are_shown(void **state)
{
	static char text[TEXT_MAX];
	struct mount *mount = mount_new();
	struct kernel_dir dir;
	struct kernel_dir other;
	struct kernel_entries entries;

	(void)state;
	mount_add_jobs(mount, 1, 100);
	kernel_opendir_at(mount->kernel, "status/done/before/2027-01-01", &dir);
	kernel_opendir_at(mount->kernel, "status/done/before/2027-01-01", &other);
	assert_int_equal(
		kernel_readdir(mount->kernel, &dir, 2, KERNEL_DIR_SIZE, &entries), 0);
	mount_forward(mount, 2000);
	read_control(mount, "stats", text);
	assert_non_null(strstr(text, "\"path\": \"status/done/before/2027-01-01\",\n"
				     "      \"names\": 20,\n"
				     "      \"seconds\": 2,\n"
				     "      \"names_per_second\": 10,\n"
				     "      \"waited_for\": false\n"));
	assert_null(strstr(strstr(text, "\"path\"") + 1, "\"path\""));
	kernel_releasedir(mount->kernel, &other);
	kernel_releasedir(mount->kernel, &dir);
	assert_non_null(strstr(read_control(mount, "stats", text), "\"refreshes\": []"));
	mount_free(mount);
}

/* A time-out is reported even if no single call to the API failed. */
static void timeouts_are_shown(void **state)
{
	static char text[TEXT_MAX];
	struct mount *mount = mount_new();
	int to_stderr = dup(STDERR_FILENO);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t all = kernel_walk(mount->kernel, "all");

	(void)state;
	assert_int_equal(recent_log_new(&mount->clock, &mount->log.recent), 0);
	mount->stalled = true;

	uint64_t waiting = kernel_ask_lookup(mount->kernel, all, job_file(1).text);

	assert_false(kernel_is_answered(mount->kernel, waiting));
	dup2(nowhere, STDERR_FILENO);
	mount_forward(mount, MOUNT_TIMEOUT_MS);
	dup2(to_stderr, STDERR_FILENO);
	close(to_stderr);
	close(nowhere);
	assert_int_equal(kernel_answer(mount->kernel, waiting, NULL, 0), -ETIMEDOUT);
	assert_non_null(strstr(read_control(mount, "errors", text), "timeout="));
	recent_log_free(mount->log.recent);
	mount->log.recent = NULL;
	mount_free(mount);
}

static void errors_are_shown(void **state)
{
	static char text[TEXT_MAX];
	struct mount *mount = mount_new();
	int to_stderr = dup(STDERR_FILENO);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	uint64_t all = kernel_walk(mount->kernel, "all");

	(void)state;
	assert_string_equal(read_control(mount, "errors", text), "");
	assert_int_equal(recent_log_new(&mount->clock, &mount->log.recent), 0);
	mount->stalled = true;

	uint64_t waiting = kernel_ask_lookup(mount->kernel, all, job_file(1).text);

	assert_false(kernel_is_answered(mount->kernel, waiting));
	dup2(nowhere, STDERR_FILENO);
	fake_fail(fake_call(mount->api, 0), -EACCES, "getting job 1: no; check the key");
	dup2(to_stderr, STDERR_FILENO);
	close(to_stderr);
	close(nowhere);
	assert_int_equal(kernel_answer(mount->kernel, waiting, NULL, 0), -EACCES);
	assert_string_equal(read_control(mount, "errors", text),
		"2026-04-01T12:00:00.000Z getting job 1: no; check the key\n");
	assert_non_null(strstr(read_control(mount, "stats", text), "\"failed\": 1"));
	recent_log_free(mount->log.recent);
	mount->log.recent = NULL;
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_there_and_not_listed),
		cmocka_unit_test(a_lookup_makes_a_snapshot),
		cmocka_unit_test(snapshots_end),
		cmocka_unit_test(config_shows_options_in_effect),
		cmocka_unit_test(messages_and_waits_are_counted),
		cmocka_unit_test(refreshes_in_progress_are_shown),
		cmocka_unit_test(errors_are_shown),
		cmocka_unit_test(timeouts_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
