/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "mount.h"

/* fs/xattr.c: extended attributes (SEMANTICS 5.5). */

static const struct mount_options with_xattr = {.xattr = true};

enum { ROOM = 256 };

static uint64_t node_of(struct mount *mount, unsigned number)
{
	struct fuse_entry_out entry;

	assert_int_equal(kernel_lookup(mount->kernel, kernel_walk(mount->kernel, "all"),
				 job_file(number).text, &entry),
		0);
	return entry.nodeid;
}

/* Sends GETXATTR for a name, or LISTXATTR if the name is NULL. */
static uint64_t ask(struct mount *mount, uint64_t node, const char *name, uint32_t size)
{
	const struct fuse_getxattr_in arg = {.size = size};

	return kernel_ask(mount->kernel, name ? FUSE_GETXATTR : FUSE_LISTXATTR, node,
		&arg, sizeof(arg), name);
}

static int get(struct mount *mount, uint64_t node, const char *name, uint32_t size,
	char ret_value[static ROOM])
{
	size_t len = 0;
	int err = kernel_answer_bytes(
		mount->kernel, ask(mount, node, name, size), ret_value, ROOM - 1, &len);

	ret_value[len] = '\0';
	return err;
}

static int get_len(
	struct mount *mount, uint64_t node, const char *name, uint32_t *ret_len)
{
	struct fuse_getxattr_out out = {0};
	int err = kernel_answer(
		mount->kernel, ask(mount, node, name, 0), &out, sizeof(out));

	*ret_len = out.size;
	return err;
}

/* SEMANTICS 5.5: without the option, the kernel gets ENOSYS and does not ask again. */
static void there_are_none_without_the_option(void **state)
{
	struct mount *mount = mount_new();
	char value[ROOM];
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	node = node_of(mount, 1);
	assert_int_equal(get(mount, node, "user.gladia.id", ROOM, value), -ENOSYS);
	assert_int_equal(get(mount, node, NULL, ROOM, value), -ENOSYS);
	mount_free(mount);
}

/*
 * SEMANTICS 5.5: a job has the attributes that are in its text; the texts of these tests
 * have only an id.
 */
static void a_job_has_what_its_text_has(void **state)
{
	static const char list[] = "user.gladia.id";
	struct mount *mount = mount_new_with(&with_xattr);
	char value[ROOM];
	uint32_t len;
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	node = node_of(mount, 1);
	assert_int_equal(get(mount, node, "user.gladia.id", ROOM, value), 0);
	assert_string_equal(value, job_id(1).text);
	assert_int_equal(get_len(mount, node, "user.gladia.id", &len), 0);
	assert_int_equal(len, strlen(job_id(1).text));
	assert_int_equal(get(mount, node, "user.gladia.id", len, value), 0);
	assert_int_equal(get(mount, node, "user.gladia.id", len - 1, value), -ERANGE);

	assert_int_equal(get_len(mount, node, NULL, &len), 0);
	assert_int_equal(len, sizeof(list));
	assert_int_equal(get(mount, node, NULL, len, value), 0);
	assert_memory_equal(value, list, sizeof(list));
	assert_int_equal(get(mount, node, NULL, len - 1, value), -ERANGE);
	mount_free(mount);
}

/*
 * SEMANTICS 5.5: attributes that ls(1) asks for on each file are answered without the
 * text.
 */
static void others_there_are_not(void **state)
{
	static const char *const names[] = {"user.gladia.status",
		"user.gladia.frobnicate", "user.gladia.", "user.gladia", "user.id",
		"security.capability", "system.posix_acl_access",
		"trusted.overlay.opaque"};
	struct mount *mount = mount_new_with(&with_xattr);
	char value[ROOM];
	uint32_t len;
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 1);
	node = node_of(mount, 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(get(mount, node, names[i], ROOM, value), -ENODATA);
	/* Directories have no attributes. */
	assert_int_equal(get(mount, FUSE_ROOT_ID, "user.gladia.id", 0, value), -ENODATA);
	assert_int_equal(get_len(mount, FUSE_ROOT_ID, NULL, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(get(mount, FUSE_ROOT_ID, NULL, ROOM, value), 0);
	/* The kernel has never looked up this node. */
	assert_int_equal(get(mount, 4711, "user.gladia.id", 0, value), -ESTALE);
	mount_free(mount);
}

/* SEMANTICS 5.5, 7.4: an evicted text is fetched again. */
static void an_evicted_text_is_fetched(void **state)
{
	static const struct mount_options small = {.xattr = true, .texts_max = 1};
	struct mount *mount = mount_new_with(&small);
	char value[ROOM];
	uint64_t node;

	(void)state;
	mount_add_jobs(mount, 1, 2);
	node = node_of(mount, 1);
	node_of(mount, 2);
	mount_forward(mount, 1000);
	assert_int_equal(mount->api->gets, 2);
	assert_int_equal(get(mount, node, "user.gladia.id", ROOM, value), 0);
	assert_string_equal(value, job_id(1).text);
	assert_int_equal(mount->api->gets, 3);
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_none_without_the_option),
		cmocka_unit_test(a_job_has_what_its_text_has),
		cmocka_unit_test(others_there_are_not),
		cmocka_unit_test(an_evicted_text_is_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
