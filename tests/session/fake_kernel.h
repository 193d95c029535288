/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The kernel's side of FUSE, played by a test: requests go out as messages (linux/fuse.h)
 * through a socket, answers and notifications come in. What must not happen fails the
 * test that is running.
 *
 * An answer is given as the kernel's caller sees it: 0 or a negative errno.
 */
struct kernel;

enum { KERNEL_NAME_MAX = 255 }; /* bytes, as FUSE_NAME_MAX was before 6.13 */

/* What a request waits for: one turn of whoever serves the other end. */
struct kernel_server {
	void (*turn)(void *ctx);
	void *ctx;
};

/* The socket is closed by kernel_free(). */
struct kernel *kernel_new(int fd, const struct kernel_server *server);
void kernel_free(struct kernel *kernel);

/* On whose behalf the next requests come; at first this process. */
void kernel_set_caller(struct kernel *kernel, pid_t pid);

/* Whose the next requests are; at first root's. */
void kernel_set_user(struct kernel *kernel, uid_t uid);

/* Closes the socket, as an unmount does. */
void kernel_unmount(struct kernel *kernel);

/* Bytes as they are, for what no kernel sends. */
void kernel_send_raw(struct kernel *kernel, const void *data, size_t len);

/*
 * Sends a request without waiting for its answer. Gives its number. `name` follows the
 * argument with its NUL, if there is any.
 */
uint64_t kernel_ask(struct kernel *kernel, enum fuse_opcode opcode, uint64_t node,
	const void *arg, size_t len, const char *name);
uint64_t kernel_ask_lookup(struct kernel *kernel, uint64_t parent, const char *name);
uint64_t kernel_ask_read(
	struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size);

/* A signal came to the caller of a request. */
void kernel_interrupt(struct kernel *kernel, uint64_t number);

/* Turns a few times: is the answer there? It stays to be had. */
bool kernel_is_answered(struct kernel *kernel, uint64_t number);

/*
 * Turns until the answer is there and takes it: exactly `size` bytes if it is no error,
 * or up to `room`.
 */
int kernel_answer(struct kernel *kernel, uint64_t number, void *ret_out, size_t size);
int kernel_answer_bytes(struct kernel *kernel, uint64_t number, void *ret_data,
	size_t room, size_t *ret_len);

/* Answers nobody has taken. */
unsigned kernel_answers_left(const struct kernel *kernel);
void kernel_drop_answers(struct kernel *kernel);

/* Requests with their answers; INIT says of what minor version of FUSE the kernel is. */
int kernel_init(struct kernel *kernel, uint32_t minor, uint64_t flags,
	struct fuse_init_out *ret_out);
int kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name,
	struct fuse_entry_out *ret_out);
int kernel_getattr(struct kernel *kernel, uint64_t node, struct fuse_attr *ret_attr);
int kernel_open(struct kernel *kernel, uint64_t node);
int kernel_read(struct kernel *kernel, uint64_t node, uint64_t offset, uint32_t size,
	char *ret_data, size_t *ret_len);
int kernel_statfs(struct kernel *kernel, struct fuse_kstatfs *ret_out);

/* The node of a path of directories and at last perhaps a file; it must be there. */
uint64_t kernel_walk(struct kernel *kernel, const char *path);

/* These have no answer. */
void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count);
void kernel_forget_batch(
	struct kernel *kernel, const uint64_t *nodes, uint32_t count, uint64_t each);

/* FUSE_NOTIFY_INC_EPOCH, and since when there is that. */
enum { KERNEL_NOTIFY_INC_EPOCH = 8, KERNEL_MINOR_OF_EPOCHS = 44 };

enum { KERNEL_STORE_MAX = 512 };

struct kernel_notice {
	int32_t code;    /* FUSE_NOTIFY_INVAL_ENTRY, FUSE_NOTIFY_STORE, or the above */
	uint64_t parent; /* of FUSE_NOTIFY_INVAL_ENTRY, as is the name */
	char name[KERNEL_NAME_MAX + 1];
	uint64_t node; /* of FUSE_NOTIFY_STORE, as is what follows */
	uint64_t offset;
	size_t len;
	char text[KERNEL_STORE_MAX]; /* its beginning */
};

/* Waits for the next one, which the notifier's thread sends. */
void kernel_next_notice(struct kernel *kernel, struct kernel_notice *ret_notice);

/*
 * Takes the next FUSE_NOTIFY_INVAL_INODE of those that came so far, which must be for the
 * attributes alone, and returns its node; 0 if there is none. The functions around do not
 * see them.
 */
uint64_t kernel_take_attr_notice(struct kernel *kernel);

/* None has come so far. */
bool kernel_has_notice(struct kernel *kernel);
