/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/internal.h"
#include "kernel_message.h"
#include "mount.h"

/*
 * Well-formed messages that no kernel sends: after each of them, the next request is
 * still answered. The handles of open directories are trusted, because they are addresses
 * that only the kernel knows.
 */
static void assert_alive(struct mount *mount)
{
	struct fuse_kstatfs statfs;
	struct fuse_entry_out entry;

	assert_int_equal(kernel_statfs(mount->kernel, &statfs), 0);
	assert_int_equal(kernel_lookup(mount->kernel, FUSE_ROOT_ID, "status", &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	assert_int_equal(mount->ended, 0);
}

/*
 * Operations that the filesystem does not implement. The kernel does not send most of
 * them again after ENOSYS.
 */
static void unknown_operations(void **state)
{
	static const uint32_t opcodes[] = {0, FUSE_FSYNC, FUSE_GETXATTR, FUSE_LISTXATTR,
		FUSE_FLUSH, FUSE_ACCESS, FUSE_BMAP, FUSE_POLL, FUSE_FALLOCATE, FUSE_LSEEK,
		FUSE_COPY_FILE_RANGE, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING, FUSE_SYNCFS,
		FUSE_TMPFILE, 63, 64, 4711, UINT32_MAX};
	struct mount *mount = mount_new();
	char body[256] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		uint64_t number = kernel_ask(mount->kernel, (enum fuse_opcode)opcodes[i],
			FUSE_ROOT_ID, body, sizeof(body), NULL);

		assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), -ENOSYS);
	}
	assert_alive(mount);
	mount_free(mount);
}

/* A message shorter than a header ends the session: the other end is not the kernel. */
static void less_than_a_header_ends_it(void **state)
{
	struct mount *mount = mount_new();

	(void)state;
	kernel_send_raw(mount->kernel, "short", 5);
	mount_forward(mount, 0);
	assert_int_equal(mount->ended, 1);
	assert_int_equal(mount->end_error, -EIO);
	mount_free(mount);
}

/* Some unmounts send FUSE_DESTROY as their last message. */
static void destroy_is_answered(void **state)
{
	struct mount *mount = mount_new();
	uint64_t number = kernel_ask(
		mount->kernel, FUSE_DESTROY, FUSE_ROOT_ID, NULL, 0, NULL);

	(void)state;
	assert_int_equal(kernel_answer(mount->kernel, number, NULL, 0), 0);
	mount_free(mount);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static bool takes_a_handle(uint32_t opcode)
{
	return opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS ||
	       opcode == FUSE_RELEASEDIR;
}

/* Sends a mostly valid header followed by random bytes, which can contain names. */
static void send_random(struct mount *mount, uint64_t *seed)
{
	static const char *const names[] = {"all", "status", "done", "2026-04-01", "date",
		"00000001-20b7-4af7-b3b3-f5fb778203ab.json",
		"00000009-20b7-4af7-b3b3-f5fb778203ab.json", "", "/", "%2E"};
	const uint64_t nodes[] = {FUSE_ROOT_ID,
		directories_child_ino(FUSE_ROOT_ID, "all"),
		directories_child_ino(FUSE_ROOT_ID, "status"), job_ino(job_id(1).text),
		job_ino(job_id(2).text), next_random(seed)};
	uint64_t body[16];
	char *text = (char *)body + (next_random(seed) % 8) * 8;
	uint32_t opcode = (uint32_t)(next_random(seed) % 56);

	if (takes_a_handle(opcode) || opcode == FUSE_DESTROY)
		opcode = FUSE_LOOKUP;
	for (size_t i = 0; i < ARRAY_SIZE(body); i++)
		body[i] = next_random(seed) >> (next_random(seed) % 64);
	if (opcode == FUSE_LOOKUP)
		text = (char *)body;
	strcpy(text, names[next_random(seed) % (ARRAY_SIZE(names))]);

	uint64_t node = nodes[next_random(seed) % (ARRAY_SIZE(nodes))];
	size_t len = next_random(seed) % (sizeof(body) + 1);

	if (kernel_message_is_whole(opcode, body, len))
		kernel_ask(
			mount->kernel, (enum fuse_opcode)opcode, node, body, len, NULL);
}

static void random_messages(void **state)
{
	unsigned rounds = getenv("GLADIAFS_TEST_LONG") ? 1000 * 1000 : 5 * 1000;
	struct mount *mount = mount_new();
	uint64_t seed = 4711;

	(void)state;
	mount_add_jobs(mount, 1, 3);
	for (unsigned i = 0; i < rounds; i++) {
		send_random(mount, &seed);
		if (i % 4)
			continue;
		mount->stalled = i / 16 % 2;
		mount_turn(mount);
		kernel_drop_answers(mount->kernel);
		if (i % 128 == 0)
			mount_forward(mount, MOUNT_TIMEOUT_MS / 10);
	}
	mount->stalled = false;
	mount_forward(mount, MOUNT_TIMEOUT_MS);
	assert_true(list_empty(&mount->fs->parked));
	kernel_drop_answers(mount->kernel);
	assert_alive(mount);
	kernel_drop_answers(mount->kernel);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_operations),
		cmocka_unit_test(less_than_a_header_ends_it),
		cmocka_unit_test(destroy_is_answered),
		cmocka_unit_test(random_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
