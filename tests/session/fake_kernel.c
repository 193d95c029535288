/* SPDX-License-Identifier: MIT */
#include "fake_kernel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/list.h"

enum {
	/* The lowest bit of a number marks an interrupt. */
	INTERRUPT_BIT = 1,
	MESSAGE_MAX = 256 << 10,
	/* A request that needs nothing from outside is answered within so many turns. */
	TURNS = 8,
	NOTICE_WAIT_MS = 10 * 1000,
};

/* A received message: the answer to a request, or a notification if `number` is 0. */
struct message {
	struct list link;
	uint64_t number;
	int32_t error;
	size_t len;
	char data[];
};

struct kernel {
	int fd;
	struct kernel_server server;
	uint64_t last_number;
	pid_t caller;
	uid_t user;
	struct list answers;
	struct list notices;
	struct list attr_notices;
	char buffer[MESSAGE_MAX];
};

struct kernel *kernel_new(int fd, const struct kernel_server *server)
{
	struct kernel *kernel = test_calloc(1, sizeof(*kernel));

	kernel->fd = fd;
	kernel->server = *server;
	kernel->caller = getpid();
	list_init(&kernel->answers);
	list_init(&kernel->notices);
	list_init(&kernel->attr_notices);
	return kernel;
}

static void drop_all(struct list *messages)
{
	list_for_each_safe (link, messages)
		test_free(list_entry(link, struct message, link));
	list_init(messages);
}

void kernel_free(struct kernel *kernel)
{
	kernel_unmount(kernel);
	drop_all(&kernel->answers);
	drop_all(&kernel->notices);
	drop_all(&kernel->attr_notices);
	test_free(kernel);
}

void kernel_set_caller(struct kernel *kernel, pid_t pid)
{
	kernel->caller = pid;
}

void kernel_set_user(struct kernel *kernel, uid_t uid)
{
	kernel->user = uid;
}

void kernel_unmount(struct kernel *kernel)
{
	if (kernel->fd >= 0)
		close(kernel->fd);
	kernel->fd = -1;
}

/* Queues one received message. Returns false if there is none. */
static bool receive_one(struct kernel *kernel)
{
	ssize_t len = recv(kernel->fd, kernel->buffer, MESSAGE_MAX, MSG_DONTWAIT);
	struct fuse_out_header header;
	struct message *message;

	/* The other end has closed the socket. */
	if (len == 0 || (len < 0 && errno == ECONNRESET))
		return false;
	if (len < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	assert_in_range(len, sizeof(header), MESSAGE_MAX);
	memcpy(&header, kernel->buffer, sizeof(header));
	assert_int_equal(header.len, len);
	len -= (ssize_t)sizeof(header);
	message = test_malloc(sizeof(*message) + (size_t)len);
	message->number = header.unique;
	message->error = header.error;
	message->len = (size_t)len;
	memcpy(message->data, kernel->buffer + sizeof(header), (size_t)len);
	if (header.unique)
		list_append(&kernel->answers, &message->link);
	else if (header.error == FUSE_NOTIFY_INVAL_INODE)
		list_append(&kernel->attr_notices, &message->link);
	else
		list_append(&kernel->notices, &message->link);
	return true;
}

static void receive(struct kernel *kernel)
{
	while (receive_one(kernel))
		;
}

static struct message *find_answer(const struct kernel *kernel, uint64_t number)
{
	list_for_each (link, &kernel->answers) {
		struct message *message = list_entry(link, struct message, link);

		if (message->number == number)
			return message;
	}
	return NULL;
}

void kernel_send_raw(struct kernel *kernel, const void *data, size_t len)
{
	assert_int_equal(send(kernel->fd, data, len, MSG_NOSIGNAL), len);
}

static void send_request(struct kernel *kernel, enum fuse_opcode opcode, uint64_t node,
	uint64_t number, const void *arg, size_t len, const char *name)
{
	size_t name_size = name ? strlen(name) + 1 : 0;
	const struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + len + name_size),
		.opcode = opcode,
		.unique = number,
		.nodeid = node,
		.uid = kernel->user,
		.pid = (uint32_t)kernel->caller,
	};
	char *to = kernel->buffer;

	assert_true(header.len <= MESSAGE_MAX);
	to = (char *)memcpy(to, &header, sizeof(header)) + sizeof(header);
	if (len)
		to = (char *)memcpy(to, arg, len) + len;
	if (name)
		memcpy(to, name, name_size);
	kernel_send_raw(kernel, kernel->buffer, header.len);
}

uint64_t kernel_ask(struct kernel *kernel, enum fuse_opcode opcode, uint64_t node,
	const void *arg, size_t len, const char *name)
{
	kernel->last_number += INTERRUPT_BIT << 1;
	send_request(kernel, opcode, node, kernel->last_number, arg, len, name);
	return kernel->last_number;
}

void kernel_interrupt(struct kernel *kernel, uint64_t number)
{
	const struct fuse_interrupt_in arg = {.unique = number};

	send_request(kernel, FUSE_INTERRUPT, 0, number | INTERRUPT_BIT, &arg, sizeof(arg),
		NULL);
}

static struct message *turn_until(struct kernel *kernel, uint64_t number)
{
	struct message *answer = NULL;

	for (int i = 0; i < TURNS && !answer; i++) {
		kernel->server.turn(kernel->server.ctx);
		receive(kernel);
		answer = find_answer(kernel, number);
	}
	return answer;
}

bool kernel_is_answered(struct kernel *kernel, uint64_t number)
{
	return turn_until(kernel, number) != NULL;
}

int kernel_answer_bytes(struct kernel *kernel, uint64_t number, void *ret_data,
	size_t room, size_t *ret_len)
{
	struct message *answer = turn_until(kernel, number);

	if (!answer)
		fail_msg("request %llu is not answered", (unsigned long long)number);

	int error = answer->error;

	assert_in_range(-error, 0, 511);
	assert_true(answer->len <= room);
	assert_true(!error || !answer->len);
	if (answer->len)
		memcpy(ret_data, answer->data, answer->len);
	*ret_len = answer->len;
	list_remove(&answer->link);
	test_free(answer);
	/* No request may be answered twice. */
	assert_null(find_answer(kernel, number));
	return error;
}

int kernel_answer(struct kernel *kernel, uint64_t number, void *ret_out, size_t size)
{
	size_t len;
	int error = kernel_answer_bytes(kernel, number, ret_out, size, &len);

	if (!error)
		assert_int_equal(len, size);
	return error;
}

unsigned kernel_answers_left(const struct kernel *kernel)
{
	unsigned count = 0;

	list_for_each (link, &kernel->answers)
		count++;
	return count;
}

void kernel_drop_answers(struct kernel *kernel)
{
	receive(kernel);
	drop_all(&kernel->answers);
}

uint64_t kernel_take_attr_notice(struct kernel *kernel)
{
	struct fuse_notify_inval_inode_out arg;
	struct message *message;

	receive(kernel);
	if (list_empty(&kernel->attr_notices))
		return 0;
	message = list_entry(kernel->attr_notices.next, struct message, link);
	assert_int_equal(message->len, sizeof(arg));
	memcpy(&arg, message->data, sizeof(arg));
	assert_true(arg.off < 0);
	list_remove(&message->link);
	test_free(message);
	return arg.ino;
}

bool kernel_has_notice(struct kernel *kernel)
{
	receive(kernel);
	return !list_empty(&kernel->notices);
}

static void parse_name(const struct message *message, struct kernel_notice *ret_notice)
{
	struct fuse_notify_inval_entry_out head;

	assert_true(message->len > sizeof(head));
	memcpy(&head, message->data, sizeof(head));
	assert_in_range(head.namelen, 1, KERNEL_NAME_MAX);
	assert_int_equal(message->len, sizeof(head) + head.namelen + 1);
	ret_notice->parent = head.parent;
	memcpy(ret_notice->name, message->data + sizeof(head), head.namelen + 1);
	assert_int_equal(strlen(ret_notice->name), head.namelen);
}

static void parse_text(const struct message *message, struct kernel_notice *ret_notice)
{
	struct fuse_notify_store_out head;

	assert_true(message->len > sizeof(head));
	memcpy(&head, message->data, sizeof(head));
	assert_int_equal(message->len, sizeof(head) + head.size);
	ret_notice->node = head.nodeid;
	ret_notice->offset = head.offset;
	ret_notice->len = head.size;
	memcpy(ret_notice->text, message->data + sizeof(head),
		head.size < KERNEL_STORE_MAX ? head.size : KERNEL_STORE_MAX);
}

void kernel_next_notice(struct kernel *kernel, struct kernel_notice *ret_notice)
{
	struct pollfd polled = {.fd = kernel->fd, .events = POLLIN};
	struct message *message;

	while (!kernel_has_notice(kernel))
		assert_int_equal(poll(&polled, 1, NOTICE_WAIT_MS), 1);
	message = list_entry(kernel->notices.next, struct message, link);
	*ret_notice = (struct kernel_notice){.code = message->error};
	if (message->error == FUSE_NOTIFY_INVAL_ENTRY) {
		parse_name(message, ret_notice);
	} else if (message->error == FUSE_NOTIFY_STORE) {
		parse_text(message, ret_notice);
	} else {
		assert_int_equal(message->error, KERNEL_NOTIFY_INC_EPOCH);
		assert_int_equal(message->len, 0);
	}
	list_remove(&message->link);
	test_free(message);
}
