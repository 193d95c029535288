/* SPDX-License-Identifier: MIT */
#include "key_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"

/* After this time we stop waiting with a refresh for the key. */
enum { LATE_MS = 3000 };

/* The answer that the child process writes to its pipe. */
struct key_answer {
	int err;                /* 0 or a negative errno */
	char text[KEY_MAX + 1]; /* the key, or else an error message that may be empty */
};

_Static_assert((int)ERRMSG_MAX <= (int)KEY_MAX, "an error message fits");

struct key_reader {
	struct loop *loop;
	const struct log *log;
	const struct key_source *source;
	struct api *api;
	void (*on_end)(void *ctx);
	void *ctx;
	struct loop_timer late;   /* set while a read is not late yet */
	pid_t pid;                /* the child process; 0 if there is none */
	int fd;                   /* our end of its pipe */
	struct key_answer answer; /* what was read from the pipe so far */
	size_t len;               /* number of bytes in `answer` */
	bool again;               /* another read was requested meanwhile */
};

/*
 * Runs in the child process: reads the key and writes a struct key_answer to `pipe`.
 *
 * The child may hang in the kernel for ever, so it keeps none of our descriptors: it must
 * not keep the connection of the mount or the reader of our stderr waiting.
 */
static void key_reader_child(const struct key_source *source, int pipe)
{
	enum { PIPE = 0, DIR = 1 };
	struct key_source at = *source;
	CLEANUP(buf_done) struct buf errmsg;
	struct key_answer answer = {0};
	char *key = NULL;

	buf_init(&errmsg, ERRMSG_MAX);
	prctl(PR_SET_NAME, "read-key");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(pipe, PIPE) < 0 || dup2(source->dir, DIR) < 0 ||
		close_range(DIR + 1, ~0U, 0) < 0)
		return;
	at.dir = DIR;
	answer.err = key_read_again(&at, &key, &errmsg);
	(void)snprintf(answer.text, sizeof(answer.text), "%s",
		key          ? key
		: errmsg.len ? errmsg.data
			     : "");
	api_key_free(key);

	ssize_t written = write(PIPE, &answer, sizeof(answer));

	(void)written; /* if this failed, the parent has ended or finds a short answer */
	explicit_bzero(&answer, sizeof(answer));
}

static void key_reader_warn(const struct key_reader *reader, const char *reason)
{
	const char *hidden = reader->source->hidden;

	log_warning(reader->log, "keeping the current API key: %s%s%s%s", reason,
		hidden ? " (this comes before " : "", hidden ? hidden : "",
		hidden ? ")" : "");
}

static void key_reader_on_late(void *ctx)
{
	struct key_reader *reader = ctx;

	log_warning(reader->log,
		"keeping the current API key until %s can be read: its filesystem does "
		"not answer",
		key_source_name(reader->source));
	reader->on_end(reader->ctx);
}

/* Passes the key that was read to the API client, or logs why there is none. */
static void key_reader_use(const struct key_reader *reader)
{
	const struct key_answer *answer = &reader->answer;
	int err = reader->len == sizeof(*answer) ? answer->err : -EIO;
	const char *reason = reader->len == sizeof(*answer) && err && *answer->text
				     ? answer->text
				     : NULL;

	if (!err)
		err = api_set_key(reader->api, answer->text);
	if (err)
		key_reader_warn(reader, reason ? reason : strerror(-err));
}

/* Called when the pipe is readable or was closed by the child, which then has ended. */
static void key_reader_on_pipe(void *ctx)
{
	struct key_reader *reader = ctx;
	ssize_t got = read(reader->fd, (char *)&reader->answer + reader->len,
		sizeof(reader->answer) - reader->len);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		reader->len += (size_t)got;
	if (got > 0 && reader->len < sizeof(reader->answer))
		return;
	loop_remove_fd(reader->loop, reader->fd);
	loop_timer_cancel(&reader->late);
	close(reader->fd);
	/* The child has closed the key file before it wrote, so nothing can block it. */
	while (waitpid(reader->pid, NULL, 0) < 0 && errno == EINTR)
		;
	reader->pid = 0;
	key_reader_use(reader);
	explicit_bzero(&reader->answer, sizeof(reader->answer));
	reader->on_end(reader->ctx);
	if (reader->again)
		key_reader_start(reader);
}

/* Starts the child process. Returns 0 or a negative errno. */
static int key_reader_fork(struct key_reader *reader)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);

	int err = loop_add_fd(reader->loop, ends[0], key_reader_on_pipe, reader);
	pid_t pid = err ? -1 : fork();

	if (pid == 0) {
		key_reader_child(reader->source, ends[1]);
		_exit(0);
	}
	if (!err && pid < 0) {
		err = -errno;
		loop_remove_fd(reader->loop, ends[0]);
	}
	close(ends[1]);
	if (err) {
		close(ends[0]);
		return err;
	}
	reader->pid = pid;
	reader->fd = ends[0];
	return 0;
}

void key_reader_start(struct key_reader *reader)
{
	int err;

	reader->again = reader->pid != 0;
	if (reader->again && loop_timer_is_set(&reader->late))
		return;
	if (reader->again) {
		key_reader_on_late(reader);
		return;
	}
	reader->len = 0;
	err = reader->source->path ? key_reader_fork(reader) : 0;
	if (reader->pid) {
		loop_timer_set(
			reader->loop, &reader->late, loop_now_ms(reader->loop) + LATE_MS);
		return;
	}
	if (err)
		key_reader_warn(reader, strerror(-err));
	reader->on_end(reader->ctx);
}

int key_reader_new(struct loop *loop, const struct log *log,
	const struct key_source *source, struct api *api, void (*on_end)(void *ctx),
	void *ctx, struct key_reader **ret_reader)
{
	struct key_reader *reader = malloc(sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	*reader = (struct key_reader){
		.loop = loop,
		.log = log,
		.source = source,
		.api = api,
		.on_end = on_end,
		.ctx = ctx,
	};
	loop_timer_init(&reader->late, key_reader_on_late, reader);
	*ret_reader = reader;
	return 0;
}

void key_reader_free(struct key_reader *reader)
{
	if (!reader)
		return;
	loop_timer_cancel(&reader->late);
	if (reader->pid) {
		loop_remove_fd(reader->loop, reader->fd);
		close(reader->fd);
		/* If the child is blocked in the kernel, not even SIGKILL ends it. */
		kill(reader->pid, SIGKILL);
		waitpid(reader->pid, NULL, WNOHANG);
	}
	explicit_bzero(&reader->answer, sizeof(reader->answer));
	free(reader);
}
