/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/internal.h"
#include "mount.h"

/*
 * fs/kernel_message.c and all behind it: messages no kernel sends. Whatever comes, who
 * asks next is answered. Handles of open directories alone are taken on trust: they are
 * addresses, which only the kernel knows.
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

static void send_body(struct mount *mount, uint32_t opcode, const void *body, size_t size)
{
	kernel_ask(mount->kernel, opcode, FUSE_ROOT_ID, body, size, NULL);
}

/* Bytes behind the header, too few for the operation. */
static void short_messages(void **state)
{
	enum { BODY_MAX = 80 };
	char body[BODY_MAX];
	struct mount *mount = mount_new();

	(void)state;
	memset(body, 0xff, sizeof(body));
	for (uint32_t opcode = 0; opcode < 64; opcode++) {
		size_t most = opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS
				      ? sizeof(struct fuse_read_in) - 1
			      : opcode == FUSE_RELEASEDIR
				      ? sizeof(struct fuse_release_in) - 1
				      : BODY_MAX;

		if (opcode == FUSE_DESTROY)
			continue;
		for (size_t size = 0; size <= most; size++) {
			send_body(mount, opcode, body, size);
			if (size % 16 == 0)
				mount_turn(mount);
		}
		mount_turn(mount);
		kernel_drop_answers(mount->kernel);
	}
	assert_alive(mount);
	kernel_drop_answers(mount->kernel);
	mount_free(mount);
}

/* The length a message says it has is not the one it has. */
static void lying_messages(void **state)
{
	static const uint32_t lengths[] = {0, 1, 39, 40, 42, 44, 4096, UINT32_MAX};
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct {
			struct fuse_in_header header;
			char name[3];
		} message = {
			.header = {.len = lengths[i],
				.opcode = FUSE_LOOKUP,
				.unique = 1000 + 2 * i,
				.nodeid = FUSE_ROOT_ID},
			.name = "all",
		};

		kernel_send_raw(mount->kernel, &message, sizeof(message.header) + 3);
		assert_int_equal(
			kernel_answer(mount->kernel, 1000 + 2 * i, NULL, 0), -EIO);
	}
	assert_alive(mount);
	mount_free(mount);
}

/* Names without an end, of any length; libfuse would read on. */
static void unterminated_names(void **state)
{
	static const struct {
		enum fuse_opcode opcode;
		size_t fixed;
	} cases[] = {
		{FUSE_LOOKUP, 0},
		{FUSE_SYMLINK, 0},
		{FUSE_MKNOD, sizeof(struct fuse_mknod_in)},
		{FUSE_MKDIR, sizeof(struct fuse_mkdir_in)},
		{FUSE_UNLINK, 0},
		{FUSE_RMDIR, 0},
		{FUSE_LINK, sizeof(struct fuse_link_in)},
		{FUSE_CREATE, sizeof(struct fuse_create_in)},
		{FUSE_GETXATTR, sizeof(struct fuse_getxattr_in)},
		{FUSE_REMOVEXATTR, 0},
		{FUSE_RENAME, sizeof(struct fuse_rename_in)},
		{FUSE_RENAME2, sizeof(struct fuse_rename2_in)},
		{FUSE_SETXATTR, FUSE_COMPAT_SETXATTR_IN_SIZE},
	};
	enum { NAME_MAX_HERE = 100 * 1000 };
	struct mount *mount = mount_new();
	char *body = test_malloc(NAME_MAX_HERE + 64);

	(void)state;
	memset(body, 'a', NAME_MAX_HERE + 64);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t len = 0; len <= NAME_MAX_HERE; len = len * 3 + 1) {
			uint64_t number = kernel_ask(mount->kernel, cases[i].opcode,
				FUSE_ROOT_ID, body, cases[i].fixed + len, NULL);

			assert_int_equal(
				kernel_answer(mount->kernel, number, NULL, 0), -EIO);
		}
	}
	assert_alive(mount);
	mount_free(mount);
	test_free(body);
}

/* BATCH_FORGET that says it holds more than it does. */
static void counts_that_lie(void **state)
{
	static const uint32_t counts[] = {2, 3, 4096, INT32_MAX, UINT32_MAX};
	struct mount *mount = mount_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct {
			struct fuse_batch_forget_in head;
			struct fuse_forget_one one;
		} body = {.head.count = counts[i], .one = {FUSE_ROOT_ID, 1}};

		send_body(mount, FUSE_BATCH_FORGET, &body, sizeof(body));
	}
	mount_forward(mount, 0);
	assert_alive(mount);
	assert_int_equal(kernel_answers_left(mount->kernel), 0);
	mount_free(mount);
}

/* What this filesystem cannot do. Most of it is never asked again after ENOSYS. */
static void unknown_operations(void **state)
{
	static const uint32_t opcodes[] = {0, FUSE_READLINK, FUSE_FSYNC, FUSE_GETXATTR,
		FUSE_LISTXATTR, FUSE_FLUSH, FUSE_ACCESS, FUSE_BMAP, FUSE_POLL,
		FUSE_FALLOCATE, FUSE_LSEEK, FUSE_COPY_FILE_RANGE, FUSE_SETUPMAPPING,
		FUSE_REMOVEMAPPING, FUSE_SYNCFS, FUSE_TMPFILE, 63, 64, 4711, UINT32_MAX};
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

/* Not even a header: what serves it is no kernel's device. */
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

/* The last message of some unmounts. */
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

/* A header that is mostly sound with anything behind it, names among it. */
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
	kernel_ask(mount->kernel, (enum fuse_opcode)opcode,
		nodes[next_random(seed) % (ARRAY_SIZE(nodes))], body,
		next_random(seed) % (sizeof(body) + 1), NULL);
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
		cmocka_unit_test(short_messages),
		cmocka_unit_test(lying_messages),
		cmocka_unit_test(unterminated_names),
		cmocka_unit_test(counts_that_lie),
		cmocka_unit_test(unknown_operations),
		cmocka_unit_test(less_than_a_header_ends_it),
		cmocka_unit_test(destroy_is_answered),
		cmocka_unit_test(random_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
