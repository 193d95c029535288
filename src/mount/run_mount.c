/* SPDX-License-Identifier: MIT */
#include "mount/run_mount.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "base/recent_log.h"
#include "catalog/catalog.h"
#include "config/api_key.h"
#include "config/timeouts.h"
#include "fs/fs.h"
#include "gladia/api.h"
#include "gladia/verify_key.h"
#include "loop/loop.h"
#include "mount/effective_config.h"
#include "mount/key_reader.h"
#include "mount/unmount.h"
#include "process/exit_code.h"
#include "process/hardening.h"
#include "process/signals.h"
#include "process/stderr_capture.h"
#include "process/systemd.h"
#include "sync/sync.h"

enum { REASON_MAX = 512 };

/*
 * A mount from its start to its end:
 *
 *            key check      fs_mount()     mount_on_ready()
 * starting ------------> starting ----> starting --------> serving ----> ended
 *     |                     |              |   (the daemon's parent returns)
 *     +----- a signal or a failure --------+------> ended, with an error message
 */
struct run_mount {
	const struct mount_plan *config;
	int signals;                   /* signalfd; -1 if not open */
	struct recent_log *recent_log; /* the most recent log messages */
	struct loop *loop;
	struct catalog *catalog;
	struct api *api;
	struct key_reader *key_reader;
	struct sync *sync;
	struct fs *fs;
	bool unreachable; /* the API did not answer at the start, but offline_ok is set */
	bool mounted;     /* fs_mount() succeeded, and `mount` is set */
	struct mount_id mount;
	bool aborted; /* the kernel aborted the connection; the mount returns errors */
	bool serving; /* the mount is usable and was reported as such */
	int signal;   /* the signal that ends the mount, or 0 */
	int error;    /* negative errno of /dev/fuse, or 0 */
};

/* Called when SIGHUP was received and the key has been read again (SEMANTICS 1.5). */
static void mount_on_key(void *ctx)
{
	struct run_mount *serve = ctx;

	sync_refresh(serve->sync);
	fs_refresh(serve->fs);
}

static void mount_on_signal(void *ctx)
{
	struct run_mount *serve = ctx;
	int signal = signals_read(serve->signals);

	if (!signal)
		return;
	/* A process can see the mount, and send SIGHUP, before we have read the kernel's
	 * first message. */
	if (signal == SIGHUP && serve->mounted) {
		log_debug(serve->config->log, "SIGHUP: refreshing the whole mount");
		key_reader_start(serve->key_reader);
		return;
	}
	serve->signal = signal;
	loop_stop(serve->loop);
}

/* Commits the catalog's transaction at the end of each turn of the event loop. */
static void mount_on_turn(void *ctx)
{
	struct run_mount *serve = ctx;

	sync_commit(serve->sync);
}

/*
 * Notifies the service manager that the mount is usable. If that fails we only log it,
 * because the mount works without it.
 */
static void mount_tell_ready(const struct run_mount *serve)
{
	int err = serve->config->options->foreground ? systemd_ready() : 0;

	if (err)
		log_warning(serve->config->log,
			"cannot notify the service manager at $NOTIFY_SOCKET that the "
			"mount is ready (%s): it may end this process; use another Type= "
			"than notify",
			strerror(-err));
}

static void mount_on_ready(void *ctx)
{
	struct run_mount *serve = ctx;
	const struct options *options = serve->config->options;

	/* A signal that arrived while we were mounting interrupts the start. */
	mount_on_signal(serve);
	if (serve->signal)
		return;
	serve->serving = !daemon_report(
		serve->config->daemon, EXIT_CODE_OK, "", !options->log_syslog);
	if (serve->serving) {
		mount_tell_ready(serve);
		return;
	}
	/* The parent was killed while we were mounting: undo the mount. */
	serve->signal = SIGTERM;
	loop_stop(serve->loop);
}

static void mount_on_end(void *ctx, int error)
{
	struct run_mount *serve = ctx;

	serve->error = error;
	loop_stop(serve->loop);
}

/* Sets an error message about `what` and returns EXIT_CODE_SYSTEM. */
static int mount_no_system(const char *what, int err, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "%s: %s", what, strerror(-err));
}

static int mount_interrupted(const struct run_mount *serve, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_MOUNT,
		"nothing is mounted on %s: interrupted (%s)", serve->config->mountpoint,
		strsignal(serve->signal));
}

static int mount_confine(struct buf *errmsg)
{
	int err = hardening_confine();

	if (err)
		return mount_no_system("cannot drop root privileges", err, errmsg);
	return EXIT_CODE_OK;
}

/*
 * Opens the directory of the key file. We do this before mounting, because the mount may
 * cover a directory on the way to it.
 */
static int mount_keep_key_source(struct run_mount *serve, struct buf *errmsg)
{
	int err = key_source_keep(serve->config->key_source);

	if (err)
		return mount_no_system("cannot open the key's directory", err, errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_loop(struct run_mount *serve, struct buf *errmsg)
{
	int err = signals_open(&serve->signals);

	if (!err)
		err = loop_new(&clock_system, &serve->loop);
	if (!err)
		err = loop_add_fd(serve->loop, serve->signals, mount_on_signal, serve);
	if (err)
		return mount_no_system("cannot wait for events", err, errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_api(struct run_mount *serve, struct buf *errmsg)
{
	const struct options *options = serve->config->options;
	CLEANUP(buf_done) struct buf key_place;

	buf_init(&key_place, KEY_PLACE_MAX);
	/* If memory is exhausted, messages do not say where the key is. */
	(void)key_source_print(serve->config->key_source, &key_place);

	const struct api_config config = {
		.origin = options->origin,
		.key = serve->config->key,
		.key_place = key_place.data,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections = options->connections,
		.timeout_ms = timeout_of_calls(serve->config->timeout_ms),
	};
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, ERRMSG_MAX);

	int err = verify_key(
		serve->loop, serve->config->log, &config, options->offline_ok, &reason);

	if (serve->signal)
		return mount_interrupted(serve, errmsg);
	if (options->offline_ok && (err == -EHOSTUNREACH || err == -ETIMEDOUT)) {
		log_warning(serve->config->log,
			"cannot reach %s (%s): showing cached data, which may be out of "
			"date; the key has not been checked",
			options->origin, reason.len ? reason.data : strerror(-err));
		serve->unreachable = true;
		err = 0;
	}
	if (err)
		return errmsg_set(errmsg,
			err == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_MOUNT,
			"cannot mount %s on %s: %s", options->origin,
			serve->config->mountpoint,
			reason.len ? reason.data : strerror(-err));
	err = api_new(serve->loop, serve->config->log, &config, &serve->api);
	if (err)
		return mount_no_system("cannot initialise the API client", err, errmsg);
	err = key_reader_new(serve->loop, serve->config->log, serve->config->key_source,
		serve->api, mount_on_key, serve, &serve->key_reader);
	if (err)
		return mount_no_system("cannot create the key reader", err, errmsg);
	/* From here on the API client has the only copy of the key. */
	explicit_bzero(serve->config->key, strlen(serve->config->key));
	return EXIT_CODE_OK;
}

/* Called after the key was checked, so that a wrong key leaves no database behind. */
static int mount_open_catalog(struct run_mount *serve, struct buf *errmsg)
{
	const struct catalog_config config = {
		.path = serve->config->cache_path,
		.texts_max = serve->config->options->cache_size,
	};
	int err = catalog_open(
		&config, &clock_system, serve->config->log, &serve->catalog);

	if (err)
		return mount_no_system(
			"cannot create a database, not even a temporary one", err,
			errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_fs(struct run_mount *serve, struct buf *errmsg)
{
	static const struct fs_handlers handlers = {
		.on_ready = mount_on_ready, .on_end = mount_on_end};
	const struct options *options = serve->config->options;
	CLEANUP(buf_done) struct buf text;
	const struct sync_config sync = {
		.ttl_ms = options->ttl_ms,
		.connections = options->connections,
		.page_size = options->page_size,
		.offline_ok = options->offline_ok,
		.offline = serve->unreachable,
		.timeout_ms = serve->config->timeout_ms,
	};

	buf_init(&text, CONFIG_TEXT_MAX);

	int err = effective_config_print(serve->config, &text);
	const struct fs_config fs = {
		.source = options->source,
		.text = text.data,
		.mount_flags = options->mount_flags.data ? options->mount_flags.data : "",
		.allow_other = options->allow_other,
		.xattr = options->xattr,
		.allow_delete = options->allow_delete && !options->read_only,
		.debug = options->debug,
		.uid = options->uid,
		.gid = options->gid,
		.umask = options->umask,
		.formats = options->formats,
		.ttl_ms = options->ttl_ms,
		.timeout_ms = serve->config->timeout_ms,
	};

	if (!err)
		err = sync_new(serve->loop, serve->config->log, serve->catalog,
			serve->api, &sync, &serve->sync);
	if (!err)
		err = fs_new(serve->loop, serve->config->log, serve->catalog, serve->sync,
			&fs, &handlers, serve, &serve->fs);
	if (err)
		return mount_no_system("cannot create the filesystem", err, errmsg);
	loop_set_hook(serve->loop, mount_on_turn, serve);
	return EXIT_CODE_OK;
}

static int mount_cannot(const struct run_mount *serve, int err, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_MOUNT, "cannot mount on %s: %s",
		serve->config->mountpoint, strerror(-err));
}

/*
 * Mounts, and starts the threads. libfuse and fusermount3 print the reason of a failure
 * to stderr; we capture it for our own error message.
 */
static int mount_fs(struct run_mount *serve, struct buf *errmsg)
{
	const char *mountpoint = serve->config->mountpoint;
	CLEANUP(buf_done) struct buf reason;
	struct stderr_capture capture;

	buf_init(&reason, REASON_MAX);
	stderr_capture_begin(&capture);

	int err = fs_mount(serve->fs, mountpoint);

	stderr_capture_end(&capture, err ? &reason : NULL);
	if (err)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT, "cannot mount on %s: %s",
			mountpoint, reason.len ? reason.data : strerror(-err));
	err = unmount_identify(mountpoint, &serve->mount);
	if (err)
		return mount_cannot(serve, err, errmsg);
	serve->mounted = true;
	/* It forks, so it must run before log_start() and fs_start() start threads. */
	if (serve->config->options->auto_unmount)
		err = unmount_after_end(&serve->mount);
	if (!err)
		err = log_start(serve->config->log);
	if (!err)
		err = fs_start(serve->fs);
	return err ? mount_cannot(serve, err, errmsg) : EXIT_CODE_OK;
}

static int mount_run(struct run_mount *serve, struct buf *errmsg)
{
	int err = loop_run(serve->loop);

	if (!err)
		err = serve->error;
	if (serve->signal && !serve->serving)
		return mount_interrupted(serve, errmsg);
	if (err)
		return errmsg_set(errmsg,
			serve->serving ? EXIT_CODE_SYSTEM : EXIT_CODE_MOUNT,
			"lost the connection to the kernel for %s: %s",
			serve->config->mountpoint, strerror(-err));
	if (!serve->serving)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"%s was unmounted before it could be used",
			serve->config->mountpoint);
	/*
	 * If the kernel aborted the connection we leave the mount in place. It returns
	 * errors from now on, while the empty directory below it would look as if all
	 * jobs had been deleted.
	 */
	serve->aborted = !serve->signal && unmount_is_mounted(&serve->mount);
	if (serve->aborted)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"the kernel has aborted the mount on %s: a request was not "
			"answered for longer than fs.fuse.default_request_timeout "
			"allows, or root aborted it; mount it again",
			serve->config->mountpoint);
	return EXIT_CODE_OK;
}

/*
 * Unmounts, unless the kernel has aborted the connection. Returns `code`. If unmounting
 * fails, returns EXIT_CODE_SYSTEM and an error message if `code` was EXIT_CODE_OK, and
 * otherwise logs the failure.
 */
static int mount_unmount_fs(const struct run_mount *serve, int code, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, ERRMSG_MAX);
	if (!serve->mounted || serve->aborted || !unmount_now(&serve->mount, &reason))
		return code;
	if (!code)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"%s; until then, accesses fail, because its process has ended",
			reason.data ? reason.data : "cannot unmount");
	log_error(serve->config->log, "%s", reason.data ? reason.data : "cannot unmount");
	return code;
}

/*
 * Releases everything in reverse order. We unmount first, so that no process waits for
 * the rest to finish. Returns `code`, or the exit code that mount_unmount_fs() replaced
 * it with.
 */
static int mount_end(struct run_mount *serve, int code, struct buf *errmsg)
{
	if (serve->serving && serve->config->options->foreground)
		systemd_stopping();
	fs_free(serve->fs);
	code = mount_unmount_fs(serve, code, errmsg);
	if (serve->sync)
		sync_free(serve->sync);
	catalog_close(serve->catalog);
	key_reader_free(serve->key_reader);
	api_free(serve->api);
	if (serve->loop) {
		loop_remove_fd(serve->loop, serve->signals);
		loop_free(serve->loop);
	}
	if (serve->signals >= 0)
		close(serve->signals);
	log_stop(serve->config->log);
	serve->config->log->recent = NULL;
	recent_log_free(serve->recent_log);
	return code;
}

/*
 * Redirects the log as the options say. This is the last time we may: once threads have
 * been started, the log must not change.
 */
static int mount_open_log(struct run_mount *serve, struct buf *errmsg)
{
	const struct options *options = serve->config->options;
	struct log *log = serve->config->log;
	int err = recent_log_new(&clock_system, &serve->recent_log);

	if (err)
		return mount_no_system("cannot create the log", err, errmsg);
	log_init(log, "gladiafs", options->log_syslog, options->debug);
	log->recent = serve->recent_log;
	return EXIT_CODE_OK;
}

int run_mount(const struct mount_plan *config, struct buf *errmsg)
{
	struct run_mount serve = {.config = config, .signals = -1};
	int code = mount_confine(errmsg);

	if (!code)
		code = mount_keep_key_source(&serve, errmsg);
	if (!code)
		code = mount_open_loop(&serve, errmsg);
	if (!code)
		code = mount_open_api(&serve, errmsg);
	if (!code)
		code = mount_open_catalog(&serve, errmsg);
	if (!code)
		code = mount_open_log(&serve, errmsg);
	if (!code)
		code = mount_open_fs(&serve, errmsg);
	if (!code)
		code = mount_fs(&serve, errmsg);
	if (!code)
		code = mount_run(&serve, errmsg);
	return mount_end(&serve, code, errmsg);
}
