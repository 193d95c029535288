/* SPDX-License-Identifier: MIT */
#include "kernel_message.h"

#include <linux/fuse.h>
#include <string.h>

#include "base/array.h"

/*
 * The part of a message after its header that libfuse reads without a check: `size`
 * bytes, then `names` strings.
 */
static const struct form {
	size_t size;
	unsigned names;
} forms[] = {
	[FUSE_LOOKUP] = {0, 1},
	[FUSE_FORGET] = {sizeof(struct fuse_forget_in), 0},
	[FUSE_GETATTR] = {sizeof(struct fuse_getattr_in), 0},
	[FUSE_SETATTR] = {sizeof(struct fuse_setattr_in), 0},
	[FUSE_SYMLINK] = {0, 2},
	[FUSE_MKNOD] = {sizeof(struct fuse_mknod_in), 1},
	[FUSE_MKDIR] = {sizeof(struct fuse_mkdir_in), 1},
	[FUSE_UNLINK] = {0, 1},
	[FUSE_RMDIR] = {0, 1},
	[FUSE_RENAME] = {sizeof(struct fuse_rename_in), 2},
	[FUSE_LINK] = {sizeof(struct fuse_link_in), 1},
	[FUSE_OPEN] = {sizeof(struct fuse_open_in), 0},
	[FUSE_READ] = {sizeof(struct fuse_read_in), 0},
	[FUSE_WRITE] = {sizeof(struct fuse_write_in), 0},
	[FUSE_RELEASE] = {sizeof(struct fuse_release_in), 0},
	[FUSE_SETXATTR] = {FUSE_COMPAT_SETXATTR_IN_SIZE, 1},
	[FUSE_GETXATTR] = {sizeof(struct fuse_getxattr_in), 1},
	[FUSE_LISTXATTR] = {sizeof(struct fuse_getxattr_in), 0},
	[FUSE_REMOVEXATTR] = {0, 1},
	[FUSE_INIT] = {offsetof(struct fuse_init_in, flags2), 0},
	[FUSE_OPENDIR] = {sizeof(struct fuse_open_in), 0},
	[FUSE_READDIR] = {sizeof(struct fuse_read_in), 0},
	[FUSE_RELEASEDIR] = {sizeof(struct fuse_release_in), 0},
	[FUSE_GETLK] = {sizeof(struct fuse_lk_in), 0},
	[FUSE_SETLK] = {sizeof(struct fuse_lk_in), 0},
	[FUSE_SETLKW] = {sizeof(struct fuse_lk_in), 0},
	[FUSE_CREATE] = {sizeof(struct fuse_create_in), 1},
	[FUSE_INTERRUPT] = {sizeof(struct fuse_interrupt_in), 0},
	[FUSE_IOCTL] = {sizeof(struct fuse_ioctl_in), 0},
	/* We never ask the kernel for data, and libfuse would keep such a reply forever.
	 */
	[FUSE_NOTIFY_REPLY] = {SIZE_MAX, 0},
	[FUSE_BATCH_FORGET] = {sizeof(struct fuse_batch_forget_in), 0},
	[FUSE_READDIRPLUS] = {sizeof(struct fuse_read_in), 0},
	[FUSE_RENAME2] = {sizeof(struct fuse_rename2_in), 2},
};

static bool kernel_message_holds_names(const char *at, size_t size, unsigned names)
{
	for (; names; names--) {
		const char *end = memchr(at, '\0', size);

		if (!end)
			return false;
		size -= (size_t)(end + 1 - at);
		at = end + 1;
	}
	return true;
}

static bool kernel_message_holds_forgets(const void *data, size_t size)
{
	struct fuse_batch_forget_in head;

	memcpy(&head, data, sizeof(head));
	return (size - sizeof(head)) / sizeof(struct fuse_forget_one) >= head.count;
}

bool kernel_message_is_whole(uint32_t opcode, const void *body, size_t size)
{
	struct form form = {0};

	if (opcode < ARRAY_SIZE(forms))
		form = forms[opcode];
	if (size < form.size)
		return false;
	if (opcode == FUSE_BATCH_FORGET)
		return kernel_message_holds_forgets(body, size);
	/* Without a body, `body` may be NULL. */
	if (!size)
		return !form.names;
	return kernel_message_holds_names(
		(const char *)body + form.size, size - form.size, form.names);
}
