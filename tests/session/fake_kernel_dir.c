/* SPDX-License-Identifier: MIT */
#include "fake_kernel_dir.h"

#include <string.h>

#include "cmocka.h"

enum { TYPE_SHIFT = 12, REPLY_MAX = 64 << 10 };

int kernel_opendir(struct kernel *kernel, uint64_t node, struct kernel_dir *ret_dir)
{
	const struct fuse_open_in arg = {0};
	struct fuse_open_out out;
	uint64_t number = kernel_ask(kernel, FUSE_OPENDIR, node, &arg, sizeof(arg), NULL);
	int err = kernel_answer(kernel, number, &out, sizeof(out));

	if (!err)
		*ret_dir = (struct kernel_dir){
			.node = node, .handle = out.fh, .flags = out.open_flags};
	return err;
}

void kernel_opendir_at(
	struct kernel *kernel, const char *path, struct kernel_dir *ret_dir)
{
	uint64_t node = *path ? kernel_walk(kernel, path) : FUSE_ROOT_ID;

	assert_int_equal(kernel_opendir(kernel, node, ret_dir), 0);
}

void kernel_releasedir(struct kernel *kernel, const struct kernel_dir *dir)
{
	const struct fuse_release_in arg = {.fh = dir->handle};
	uint64_t number = kernel_ask(
		kernel, FUSE_RELEASEDIR, dir->node, &arg, sizeof(arg), NULL);

	assert_int_equal(kernel_answer(kernel, number, NULL, 0), 0);
}

uint64_t kernel_ask_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size)
{
	const struct fuse_read_in arg = {
		.fh = dir->handle, .offset = offset, .size = size};

	return kernel_ask(kernel, dir->bare ? FUSE_READDIR : FUSE_READDIRPLUS, dir->node,
		&arg, sizeof(arg), NULL);
}

/* Parses one entry of a reply. Returns the number of bytes it takes. */
static size_t parse(
	const char *data, size_t len, bool plus, struct kernel_entry *ret_entry)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	struct fuse_direntplus entry = {0};

	assert_in_range(head, 1, len);
	if (plus)
		memcpy(&entry, data, head);
	else
		memcpy(&entry.dirent, data, head);
	assert_in_range(entry.dirent.namelen, 1, KERNEL_NAME_MAX);

	size_t size = FUSE_DIRENT_ALIGN(head + entry.dirent.namelen);

	assert_in_range(size, head, len);
	*ret_entry = (struct kernel_entry){
		.ino = entry.dirent.ino,
		.cookie = entry.dirent.off,
		.type = (mode_t)entry.dirent.type << TYPE_SHIFT,
		.entry_out = entry.entry_out,
	};
	memcpy(ret_entry->name, data + head, entry.dirent.namelen);
	assert_int_equal(strlen(ret_entry->name), entry.dirent.namelen);
	return size;
}

int kernel_answer_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t number, struct kernel_entries *ret_entries)
{
	char reply[REPLY_MAX];
	size_t len;
	int err = kernel_answer_bytes(kernel, number, reply, sizeof(reply), &len);

	if (err)
		return err;
	ret_entries->len = 0;
	for (size_t at = 0; at < len;) {
		assert_true(ret_entries->len < KERNEL_ENTRIES_MAX);
		at += parse(reply + at, len - at, !dir->bare,
			&ret_entries->entries[ret_entries->len++]);
	}
	return 0;
}

int kernel_readdir(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, struct kernel_entries *ret_entries)
{
	return kernel_answer_readdir(
		kernel, dir, kernel_ask_readdir(kernel, dir, offset, size), ret_entries);
}

static size_t add_name(const char *name, char *names, size_t len)
{
	size_t name_len = strlen(name);

	assert_true(len + name_len + 2 <= KERNEL_NAMES_MAX);
	memcpy(names + len, name, name_len);
	names[len + name_len] = ' ';
	return len + name_len + 1;
}

void kernel_names(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, char ret_names[static KERNEL_NAMES_MAX])
{
	struct kernel_entries *entries = test_malloc(sizeof(*entries));
	size_t len = 0;

	do {
		assert_int_equal(kernel_readdir(kernel, dir, offset, size, entries), 0);
		for (size_t i = 0; i < entries->len; i++) {
			len = add_name(entries->entries[i].name, ret_names, len);
			offset = entries->entries[i].cookie;
		}
	} while (entries->len);
	ret_names[len] = '\0';
	test_free(entries);
}
