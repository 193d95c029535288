/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A fake kernel for tests of FUSE: it sends requests as messages (linux/fuse.h) through a
 * socket, and receives answers and notifications. A message that breaks the protocol
 * fails the running test.
 *
 * A function that returns an answer returns it as the calling process sees it: 0 or a
 * negative errno.
 */
struct kernel;

enum { KERNEL_NAME_MAX = 255 }; /* in bytes, as FUSE_NAME_MAX was before Linux 6.13 */

/*
 * The server at the other end of the socket. While a request waits for its answer, the
 * fake kernel calls turn() to let the server run once.
 */
struct kernel_server {
	void (*turn)(void *ctx);
	void *ctx;
};

/*
 * Creates a kernel that talks through the socket `fd`; kernel_free() closes the socket.
 */
struct kernel *kernel_new(int fd, const struct kernel_server *server);
void kernel_free(struct kernel *kernel);

/* Sets the process that makes the next requests; by default this process. */
void kernel_set_caller(struct kernel *kernel, pid_t pid);

/* Sets the user that makes the next requests; by default root. */
void kernel_set_user(struct kernel *kernel, uid_t uid);

/* Closes the socket, as an unmount does. */
void kernel_unmount(struct kernel *kernel);

/* Sends bytes unchanged, for messages that no kernel sends. */
void kernel_send_raw(struct kernel *kernel, const void *data, size_t len);

/*
 * Sends a request without waiting for its answer. Returns the number of the request. If
 * `name` is not NULL, it follows the argument, with its NUL.
 */
uint64_t kernel_ask(struct kernel *kernel, enum fuse_opcode opcode, uint64_t node,
	const void *arg, size_t len, const char *name);
uint64_t kernel_ask_lookup(struct kernel *kernel, uint64_t parent, const char *name);
uint64_t kernel_ask_read(
	struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size);

/* Sends an INTERRUPT: a signal arrived for the caller of this request. */
void kernel_interrupt(struct kernel *kernel, uint64_t number);

/*
 * Runs the server a few times. Returns true if the answer has arrived; it stays queued.
 */
bool kernel_is_answered(struct kernel *kernel, uint64_t number);

/*
 * Runs the server until the answer arrives, and takes it from the queue. If the answer is
 * not an error, it must have exactly `size` bytes, or at most `room`.
 */
int kernel_answer(struct kernel *kernel, uint64_t number, void *ret_out, size_t size);
int kernel_answer_bytes(struct kernel *kernel, uint64_t number, void *ret_data,
	size_t room, size_t *ret_len);

/* Counts, or discards, the answers that no call has taken. */
unsigned kernel_answers_left(const struct kernel *kernel);
void kernel_drop_answers(struct kernel *kernel);

/*
 * Send a request and take its answer. In INIT, the kernel announces the minor version
 * `minor` of FUSE.
 */
int kernel_init(struct kernel *kernel, uint32_t minor, uint64_t flags,
	struct fuse_init_out *ret_out);
int kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name,
	struct fuse_entry_out *ret_out);
int kernel_getattr(struct kernel *kernel, uint64_t node, struct fuse_attr *ret_attr);
int kernel_open(struct kernel *kernel, uint64_t node);
int kernel_read(struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size,
	char *ret_data, size_t *ret_len);
int kernel_statfs(struct kernel *kernel, struct fuse_kstatfs *ret_out);

/*
 * Looks up a path of directories whose last name may be a file. Returns its node; every
 * name must exist.
 */
uint64_t kernel_walk(struct kernel *kernel, const char *path);

/* Send a FORGET or a BATCH_FORGET, which have no answer. */
void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count);
void kernel_forget_batch(
	struct kernel *kernel, const uint64_t *nodes, uint32_t count, uint64_t each);

/* The code of FUSE_NOTIFY_INC_EPOCH, and the minor version of FUSE that introduced it. */
enum { KERNEL_NOTIFY_INC_EPOCH = 8, KERNEL_MINOR_OF_EPOCHS = 44 };

enum { KERNEL_STORE_MAX = 512 };

struct kernel_notice {
	int32_t code; /* FUSE_NOTIFY_INVAL_ENTRY or _STORE, or KERNEL_NOTIFY_INC_EPOCH */
	uint64_t parent; /* FUSE_NOTIFY_INVAL_ENTRY sets `parent` and `name` */
	char name[KERNEL_NAME_MAX + 1];
	uint64_t node; /* FUSE_NOTIFY_STORE sets `node` and the members below */
	uint64_t offset;
	size_t len;
	char text[KERNEL_STORE_MAX]; /* the beginning of the text */
};

/* Waits for the next notification, which the notifier's thread sends, and takes it. */
void kernel_next_notice(struct kernel *kernel, struct kernel_notice *ret_notice);

/*
 * Takes the next FUSE_NOTIFY_INVAL_INODE that has arrived, and returns its node; returns
 * 0 if there is none. It must concern the attributes alone. kernel_next_notice() and
 * kernel_has_notice() skip these notifications.
 */
uint64_t kernel_take_attr_notice(struct kernel *kernel);

/* True if a notification has arrived. */
bool kernel_has_notice(struct kernel *kernel);
