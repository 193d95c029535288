/* SPDX-License-Identifier: MIT */
#include "kernel_message.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"

/*
 * How much libfuse reads of a message after its header: so many bytes, then so many
 * strings. Of other messages it reads nothing that could do harm.
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
	/*
	 * We never ask the kernel for data, and libfuse would keep such a reply for ever.
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

bool kernel_message_is_whole(const void *message, size_t size)
{
	struct fuse_in_header header;
	const char *data = (const char *)message + sizeof(header);
	struct form form = {0};

	memcpy(&header, message, sizeof(header));
	if (header.len != size)
		return false;
	size -= sizeof(header);
	if (header.opcode < ARRAY_SIZE(forms))
		form = forms[header.opcode];
	if (size < form.size)
		return false;
	if (header.opcode == FUSE_BATCH_FORGET)
		return kernel_message_holds_forgets(data, size);
	return kernel_message_holds_names(data + form.size, size - form.size, form.names);
}

bool kernel_message_refusal(const void *message, struct fuse_out_header *ret_answer)
{
	struct fuse_in_header header;

	memcpy(&header, message, sizeof(header));
	if (header.opcode == FUSE_FORGET || header.opcode == FUSE_BATCH_FORGET ||
		header.opcode == FUSE_INTERRUPT || header.opcode == FUSE_NOTIFY_REPLY)
		return false;
	*ret_answer = (struct fuse_out_header){
		.len = sizeof(*ret_answer), .error = -EIO, .unique = header.unique};
	return true;
}
