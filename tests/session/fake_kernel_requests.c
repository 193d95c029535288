/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "fake_kernel.h"

enum { PATH_MAX_BYTES = 4096, FORGETS_MAX = 4096 };

int kernel_init(struct kernel *kernel, uint32_t minor, uint64_t flags,
	struct fuse_init_out *ret_out)
{
	const struct fuse_init_in arg = {
		.major = FUSE_KERNEL_VERSION,
		.minor = minor,
		.max_readahead = 128 << 10,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
	};
	uint64_t number = kernel_ask(kernel, FUSE_INIT, 0, &arg, sizeof(arg), NULL);

	return kernel_answer(kernel, number, ret_out, sizeof(*ret_out));
}

uint64_t kernel_ask_lookup(struct kernel *kernel, uint64_t parent, const char *name)
{
	return kernel_ask(kernel, FUSE_LOOKUP, parent, NULL, 0, name);
}

int kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name,
	struct fuse_entry_out *ret_out)
{
	return kernel_answer(kernel, kernel_ask_lookup(kernel, parent, name), ret_out,
		sizeof(*ret_out));
}

uint64_t kernel_walk(struct kernel *kernel, const char *path)
{
	struct fuse_entry_out entry = {.nodeid = FUSE_ROOT_ID};
	char copy[PATH_MAX_BYTES];
	char *rest = copy;

	assert_in_range(
		snprintf(copy, sizeof(copy), "%s", path), 0, (int)sizeof(copy) - 1);
	for (char *name; (name = strsep(&rest, "/"));) {
		int err = kernel_lookup(kernel, entry.nodeid, name, &entry);

		if (err || !entry.nodeid)
			fail_msg("%s: %s: %s", path, name, strerror(-err));
	}
	return entry.nodeid;
}

int kernel_getattr(struct kernel *kernel, uint64_t node, struct fuse_attr *ret_attr)
{
	const struct fuse_getattr_in arg = {0};
	struct fuse_attr_out out;
	uint64_t number = kernel_ask(kernel, FUSE_GETATTR, node, &arg, sizeof(arg), NULL);
	int err = kernel_answer(kernel, number, &out, sizeof(out));

	if (!err)
		*ret_attr = out.attr;
	return err;
}

int kernel_open(struct kernel *kernel, uint64_t node)
{
	const struct fuse_open_in arg = {0};
	struct fuse_open_out out;
	uint64_t number = kernel_ask(kernel, FUSE_OPEN, node, &arg, sizeof(arg), NULL);

	return kernel_answer(kernel, number, &out, sizeof(out));
}

uint64_t kernel_ask_read(
	struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size)
{
	const struct fuse_read_in arg = {.offset = offset, .size = size};

	return kernel_ask(kernel, FUSE_READ, node, &arg, sizeof(arg), NULL);
}

int kernel_read(struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size,
	char *ret_data, size_t *ret_len)
{
	return kernel_answer_bytes(kernel, kernel_ask_read(kernel, node, offset, size),
		ret_data, size, ret_len);
}

int kernel_statfs(struct kernel *kernel, struct fuse_kstatfs *ret_out)
{
	struct fuse_statfs_out out;
	uint64_t number = kernel_ask(kernel, FUSE_STATFS, FUSE_ROOT_ID, NULL, 0, NULL);
	int err = kernel_answer(kernel, number, &out, sizeof(out));

	if (!err)
		*ret_out = out.st;
	return err;
}

void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count)
{
	const struct fuse_forget_in arg = {.nlookup = count};

	kernel_ask(kernel, FUSE_FORGET, node, &arg, sizeof(arg), NULL);
}

void kernel_forget_batch(
	struct kernel *kernel, const uint64_t *nodes, uint32_t count, uint64_t each)
{
	struct {
		struct fuse_batch_forget_in head;
		struct fuse_forget_one all[FORGETS_MAX];
	} arg = {.head.count = count};

	assert_true(count <= FORGETS_MAX);
	for (uint32_t i = 0; i < count; i++)
		arg.all[i] = (struct fuse_forget_one){nodes[i], each};
	kernel_ask(kernel, FUSE_BATCH_FORGET, 0, &arg,
		sizeof(arg.head) + count * sizeof(arg.all[0]), NULL);
}
