/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "request.h"

/*
 * The session with the kernel: creates the filesystem, mounts it, passes each message of
 * the kernel to its handler, and ends the connection.
 */

enum {
	/*
	 * Limits for one turn of the event loop, so that transfers get their turn, too:
	 * number of messages, and time after which no more are received.
	 */
	MESSAGES_MAX = 64,
	MESSAGES_MS = 3,
	/*
	 * READ is a background request, and the kernel limits how many of those are in
	 * flight. The limit is high, so that parked ones do not keep others waiting
	 * (SEMANTICS 11.2).
	 */
	BACKGROUND_MAX = 8192,
	/*
	 * How often, and at which interval, to check at the end whether the notifier has
	 * stopped.
	 */
	STOP_STEPS = 100,
	STOP_STEP_MS = 5,
	ARGUMENTS_MAX = 4096,
	/* First minor version of the protocol that has FUSE_NOTIFY_INC_EPOCH. */
	EPOCH_MINOR = 44,
};

static void session_on_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;

	fs->init_received = true;
	fs->has_epochs = conn->proto_minor >= EPOCH_MINOR;
	/* src/README.md says what was measured for each choice. */
	conn->want |= conn->capable &
		      (FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_READDIRPLUS |
			      FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_IOCTL_DIR);
	conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ |
				  FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
				  FUSE_CAP_AUTO_INVAL_DATA);
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX;
}

static const struct fuse_lowlevel_ops operations = {
	.init = session_on_init,
	.lookup = fs_lookup,
	.forget = fs_forget,
	.forget_multi = fs_forget_multi,
	.getattr = fs_getattr,
	.open = fs_open,
	.release = fs_release,
	.read = fs_read,
	.readlink = fs_readlink,
	.opendir = fs_opendir,
	.readdir = fs_readdir,
	.readdirplus = fs_readdirplus,
	.releasedir = fs_releasedir,
	.statfs = fs_statfs,
	.ioctl = fs_ioctl,
	.unlink = fs_unlink,
	.getxattr = fs_getxattr,
	.listxattr = fs_listxattr,
};

/*
 * libfuse before 3.17 does not ask for parallel lookups in one directory, even if
 * conn->want has it. Without them, other users of a slow directory wait in a mutex of the
 * kernel, and signals cannot end that wait. So we set the flag in libfuse's reply to
 * INIT.
 */
static void session_ask_for_parallel_dirops(const struct iovec *parts, int count)
{
	if (count < 2 ||
		parts[1].iov_len < offsetof(struct fuse_init_out, max_background))
		return;
	((struct fuse_init_out *)parts[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS;
}

/* The notifier's thread calls this, too, but not before the reply to INIT. */
static ssize_t session_write_message(
	int fd, struct iovec *parts, int count, void *userdata)
{
	struct fs *fs = userdata;

	if (fs->init_received && !fs->answered_init) {
		session_ask_for_parallel_dirops(parts, count);
		fs->answered_init = true;
	}
	if (fs->config.debug)
		trace_end(fs, parts, count);
	return writev(fd, parts, count);
}

/*
 * Reports a closed socket as ENODEV, the error that the kernel's device gives after an
 * unmount.
 */
static ssize_t session_read_message(int fd, void *data, size_t size, void *userdata)
{
	ssize_t len = read(fd, data, size);

	(void)userdata;
	if (len)
		return len;
	errno = ENODEV;
	return -1;
}

static const struct fuse_custom_io io = {
	.writev = session_write_message, .read = session_read_message};

static int session_copy_strings(struct fs *fs, const struct fs_config *config)
{
	fs->config.source = strdup(config->source);
	fs->config.mount_flags = strdup(config->mount_flags);
	fs->config.text = strdup(config->text);
	return fs->config.source && fs->config.mount_flags && fs->config.text ? 0
									      : -ENOMEM;
}

int fs_new(struct loop *loop, const struct log *log, struct catalog *catalog,
	struct sync *sync, const struct fs_config *config,
	const struct fs_handlers *handlers, void *ctx, struct fs **ret_fs)
{
	struct fs *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return -ENOMEM;
	fs->loop = loop;
	fs->log = log;
	fs->catalog = catalog;
	fs->sync = sync;
	fs->config = *config;
	fs->handlers = *handlers;
	fs->ctx = ctx;
	fs->made_ms = clock_wall_ms(loop_clock(loop));
	fs->began_ms = loop_now_ms(loop);
	list_init(&fs->open_dirs);
	list_init(&fs->parked);
	directories_init(&fs->directories, config->zone);
	snapshots_init(&fs->snapshots);
	trace_init(&fs->trace);
	prefetch_init(fs);
	renditions_init(&fs->renditions);
	if (session_copy_strings(fs, config)) {
		fs_free(fs);
		return -ENOMEM;
	}
	sync_set_handlers(sync, &changes_handlers, fs);
	*ret_fs = fs;
	return 0;
}

void fs_print_version(void)
{
	printf("libfuse %s, ", fuse_pkgversion());
	/* Prints "using FUSE kernel interface version ...", and calls fusermount3. */
	fuse_lowlevel_version();
}

static void session_end(struct fs *fs, int error)
{
	loop_remove_fd(fs->loop, fuse_session_fd(fs->session));
	fs->handlers.on_end(fs->ctx, error);
}

void fs_send_header(const struct fs *fs, const struct fuse_out_header *header)
{
	if (write(fuse_session_fd(fs->session), header, sizeof(*header)) < 0)
		log_warning(fs->log, "cannot write to the kernel: %s", strerror(errno));
}

/* Handles the message in fs->message. libfuse does not see what is refused. */
static void session_handle_message(struct fs *fs)
{
	const struct fuse_in_header *header = fs->message.mem;
	struct fuse_out_header refusal = {
		.len = sizeof(refusal), .error = -EROFS, .unique = header->unique};

	stats_count(&fs->counts, header->opcode);
	if (fs->config.debug)
		trace_begin(fs, header);
	if (!write_is_refused(fs, header->opcode)) {
		fuse_session_process_buf(fs->session, &fs->message);
		return;
	}
	if (fs->config.debug)
		trace_end(fs, &(struct iovec){&refusal, sizeof(refusal)}, 1);
	fs_send_header(fs, &refusal);
}

/*
 * Receives and handles one message. Returns its length, 0 if the session has ended, or a
 * negative errno (-EAGAIN if there is none).
 */
static int session_take_message(struct fs *fs)
{
	int len = fuse_session_receive_buf(fs->session, &fs->message);

	if (len > 0)
		session_handle_message(fs);
	return len;
}

static void session_on_readable(void *ctx)
{
	struct fs *fs = ctx;
	int64_t end_ms = loop_now_ms(fs->loop) + MESSAGES_MS;
	int len = 1;

	for (int i = 0; i < MESSAGES_MAX && (len > 0 || len == -EINTR); i++) {
		len = session_take_message(fs);
		if (loop_now_ms(fs->loop) >= end_ms)
			break;
	}
	if (fs->answered_init && !fs->ready) {
		fs->ready = true;
		fs->handlers.on_ready(fs->ctx);
	}
	if (fuse_session_exited(fs->session))
		session_end(fs, 0);
	else if (len < 0 && len != -EAGAIN && len != -EINTR)
		session_end(fs, len);
}

/* Creates libfuse's session, which takes its options as command line arguments. */
static int session_open(struct fs *fs)
{
	const struct fs_config *config = &fs->config;
	CLEANUP(buf_done) struct buf options;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	buf_init(&options, ARGUMENTS_MAX);
	int err = buf_printf(&options,
		"%s,default_permissions,subtype=gladiafs,fsname=%s%s%s",
		config->allow_delete ? "rw" : "ro", config->source,
		config->allow_other ? ",allow_other" : "", config->mount_flags);

	if (!err &&
		(fuse_opt_add_arg(&args, "gladiafs") || fuse_opt_add_arg(&args, "-o") ||
			fuse_opt_add_arg(&args, options.data)))
		err = -ENOMEM;
	if (!err) {
		fs->session = fuse_session_new(
			&args, &operations, sizeof(operations), fs);
		err = fs->session ? 0 : -EIO;
	}
	fuse_opt_free_args(&args);
	return err;
}

/* Has the event loop watch the session's descriptor, and starts the notifier. */
static int session_serve(struct fs *fs)
{
	int fd = fuse_session_fd(fs->session);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;

	int err = loop_add_fd(fs->loop, fd, session_on_readable, fs);

	return err ? err : notifier_new(fs->session, &fs->notifier);
}

/* Log for libfuse's messages. It is static because libfuse's callback has no context. */
static const struct log *libfuse_log;

/* The levels of libfuse are the priorities of syslog(3). */
__attribute__((format(printf, 2, 0))) static void session_log_of_libfuse(
	enum fuse_log_level level, const char *format, va_list args)
{
	log_message(libfuse_log, (int)level, format, args);
}

/*
 * Redirects libfuse's messages to `log`. By itself libfuse writes to stderr, and blocks
 * if that is a pipe that is full. NULL undoes this. While mounting, libfuse has to write
 * to stderr, because mount/run_mount.c takes the error message from there.
 */
static void session_take_libfuse_log(const struct log *log)
{
	libfuse_log = log;
	fuse_set_log_func(log ? session_log_of_libfuse : NULL);
}

int fs_mount(struct fs *fs, const char *mountpoint)
{
	int err = session_open(fs);

	if (err)
		return err;
	if (fuse_session_mount(fs->session, mountpoint))
		return -EIO;
	fs->mounted = true;
	return 0;
}

int fs_start(struct fs *fs)
{
	session_take_libfuse_log(fs->log);
	if (fuse_session_custom_io(fs->session, &io, fuse_session_fd(fs->session)))
		return -EIO;
	return session_serve(fs);
}

int fs_serve(struct fs *fs, int fd)
{
	int err = session_open(fs);

	if (!err && fuse_session_custom_io(fs->session, &io, fd))
		err = -EIO;
	if (!err)
		return session_serve(fs);
	close(fd);
	return err;
}

/*
 * Ends the notifier. Its thread can be blocked in the kernel until requests that the
 * kernel has sent, or is about to send, are answered, so we answer them meanwhile.
 * Returns false if the thread is still blocked.
 */
static bool session_stop_notifier(struct fs *fs)
{
	bool stopped = notifier_stop(fs->notifier);

	for (int i = 0; !stopped && i < STOP_STEPS; i++) {
		for (int j = 0; j < MESSAGES_MAX && session_take_message(fs) > 0; j++)
			;
		usleep(STOP_STEP_MS * 1000);
		stopped = notifier_stop(fs->notifier);
	}
	if (stopped)
		notifier_free(fs->notifier);
	else
		log_warning(fs->log, "the notifier thread is still blocked in the "
				     "kernel; exiting without it");
	return stopped;
}

/*
 * Closes the kernel's device and frees libfuse's data about the mount. libfuse would also
 * unmount the path it was given, whatever is mounted there now. It does not if its
 * descriptor reports POLLERR, so we replace the descriptor by a pipe without a reader.
 */
static void session_close_device(const struct fs *fs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return; /* fuse_session_destroy() closes the device */
	close(ends[0]);

	bool replaced = dup3(ends[1], fuse_session_fd(fs->session), O_CLOEXEC) >= 0;

	close(ends[1]);
	if (replaced)
		fuse_session_unmount(fs->session);
}

/* Ends the session. Returns false if the notifier's thread still uses it. */
static bool session_close(struct fs *fs)
{
	bool stopped = true;

	loop_remove_fd(fs->loop, fuse_session_fd(fs->session));
	if (fs->notifier)
		stopped = session_stop_notifier(fs);
	if (fs->mounted)
		session_close_device(fs);
	free(fs->message.mem);
	if (stopped)
		fuse_session_destroy(fs->session);
	return stopped;
}

void fs_free(struct fs *fs)
{
	static const struct sync_handlers nobody = {0};
	bool closed = true;

	if (!fs)
		return;
	fs->shutting_down = true;
	sync_set_handlers(fs->sync, &nobody, NULL);
	request_fail_all(fs, -ENOTCONN);
	if (fs->session)
		closed = session_close(fs);
	dir_release_all(fs);
	prefetch_done(&fs->prefetch);
	directories_done(&fs->directories);
	renditions_done(&fs->renditions);
	snapshots_done(&fs->snapshots);
	trace_done(&fs->trace);
	free((char *)fs->config.source);
	free((char *)fs->config.mount_flags);
	free((char *)fs->config.text);
	session_take_libfuse_log(NULL);
	if (closed)
		free(fs);
}
