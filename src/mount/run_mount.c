/* SPDX-License-Identifier: MIT */
#include "mount/run_mount.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "base/recent_log.h"
#include "catalog/cache_files.h"
#include "catalog/catalog.h"
#include "config/api_key.h"
#include "config/timeouts.h"
#include "config_text.h"
#include "fs/fs.h"
#include "gladia/api.h"
#include "gladia/verify_key.h"
#include "key_reader.h"
#include "loop/loop.h"
#include "mount/unmount.h"
#include "process/exit_code.h"
#include "process/hardening.h"
#include "process/signals.h"
#include "process/stderr_capture.h"
#include "service_manager.h"
#include "sync/sync.h"

enum { REASON_MAX = 512, CONFIG_MAX = 64 << 10 };

/*
 * A mount from its start to its end:
 *
 *            key check      fs_mount()     mount_on_ready()
 * starting ------------> starting ----> starting --------> serving ----> ended
 *     |                     |              |   (the daemon's parent returns)
 *     +----- a signal or a failure --------+------> ended, with an error message
 */
struct run_mount {
	struct mount_plan *plan;
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
	struct verify_key_newest newest; /* if another cache may be the account's */
	bool refresh; /* SIGHUP was received: refresh the mount after reading the key */
	int signal;   /* the signal that ends the mount, or 0 */
	int error;    /* negative errno of /dev/fuse, or 0 */
};

/*
 * Called when the key has been read again: because SIGHUP was received, which also
 * refreshes the mount (SEMANTICS 1.5), or because the API refused the key.
 */
static void mount_on_key(void *ctx)
{
	struct run_mount *run = ctx;

	api_key_settled(run->api);
	if (!run->refresh)
		return;
	run->refresh = false;
	sync_refresh(run->sync);
	fs_refresh(run->fs);
}

/* Called when the API refuses the key: it may have been changed in its file. */
static void mount_on_key_refused(void *ctx)
{
	const struct run_mount *run = ctx;

	key_reader_start(run->key_reader);
}

static void mount_on_signal(void *ctx)
{
	struct run_mount *run = ctx;
	int signal = signals_read(run->signals);

	if (!signal)
		return;
	/* A process can see the mount, and send SIGHUP, before we have read the kernel's
	 * first message. */
	if (signal == SIGHUP && run->mounted) {
		log_debug(&run->plan->log, "SIGHUP: refreshing the whole mount");
		run->refresh = true;
		key_reader_start(run->key_reader);
		return;
	}
	run->signal = signal;
	loop_stop(run->loop);
}

/* Commits the catalog's transaction at the end of each turn of the event loop. */
static void mount_on_turn(void *ctx)
{
	struct run_mount *run = ctx;

	sync_commit(run->sync);
}

static void mount_on_ready(void *ctx)
{
	struct run_mount *run = ctx;
	const struct options *options = run->plan->options;

	/* A signal that arrived while we were mounting interrupts the start. */
	mount_on_signal(run);
	if (run->signal)
		return;
	run->serving = !daemon_report(
		&run->plan->daemon, EXIT_CODE_OK, "", !options->log_syslog);
	if (run->serving) {
		log_notice(&run->plan->log, "mounted %s on %s (gladiafs %s, process %d)",
			options->source, run->plan->mountpoint.path, GLADIAFS_VERSION,
			(int)getpid());
		if (options->foreground)
			service_manager_ready(&run->plan->log);
		return;
	}
	/* The parent was killed while we were mounting: undo the mount. */
	run->signal = SIGTERM;
	loop_stop(run->loop);
}

static void mount_on_end(void *ctx, int error)
{
	struct run_mount *run = ctx;

	run->error = error;
	loop_stop(run->loop);
}

/* Sets an error message about `what` and returns EXIT_CODE_SYSTEM. */
static int mount_system_error(const char *what, int err, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "%s: %s", what, strerror(-err));
}

static int mount_interrupted(const struct run_mount *run, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_MOUNT,
		"nothing is mounted on %s: interrupted (%s)", run->plan->mountpoint.path,
		strsignal(run->signal));
}

/* Does what must be done before anything else is opened. */
static int mount_prepare(struct run_mount *run, struct buf *errmsg)
{
	int err = hardening_confine();

	if (err)
		return mount_system_error("cannot drop root privileges", err, errmsg);
	/* Not after mounting: the mount may cover a directory on the way. */
	err = key_source_keep(&run->plan->key_source);
	if (err)
		return mount_system_error("cannot open the key's directory", err, errmsg);
	err = recent_log_new(&clock_system, &run->recent_log);
	if (err)
		return mount_system_error("cannot create the log", err, errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_loop(struct run_mount *run, struct buf *errmsg)
{
	int err = signals_open(&run->signals);

	if (!err)
		err = loop_new(&clock_system, &run->loop);
	if (!err)
		err = loop_add_fd(run->loop, run->signals, mount_on_signal, run);
	if (err)
		return mount_system_error("cannot wait for events", err, errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_api(struct run_mount *run, struct buf *errmsg)
{
	const struct options *options = run->plan->options;
	CLEANUP(buf_done) struct buf key_place;

	buf_init(&key_place, KEY_PLACE_MAX);
	/* If memory is exhausted, messages do not say where the key is. */
	(void)key_source_print(&run->plan->key_source, &key_place);

	const struct api_config config = {
		.origin = options->origin,
		.live = options->live,
		.key = run->plan->key,
		.key_place = key_place.data,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections = options->connections,
		.timeout_ms = timeout_of_calls(run->plan->timeout_ms),
		.fail_fast = !options->offline_ok,
	};
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, ERRMSG_MAX);

	/* Without a cache of this key, find out whether another one is the account's. */
	const char *path = run->plan->cache_path;
	struct verify_key_newest *newest =
		path && cache_files_may_adopt(path) ? &run->newest : NULL;
	int err = verify_key(run->loop, &run->plan->log, &config, options->offline_ok,
		newest, &reason);

	if (run->signal)
		return mount_interrupted(run, errmsg);
	if (options->offline_ok && (err == -EHOSTUNREACH || err == -ETIMEDOUT)) {
		log_warning(&run->plan->log,
			"cannot reach %s (%s): showing cached data, which may be out of "
			"date; the key has not been checked",
			options->origin, reason.len ? reason.data : strerror(-err));
		run->unreachable = true;
		err = 0;
	}
	if (err)
		return errmsg_set(errmsg,
			err == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_MOUNT,
			"cannot mount %s on %s: %s", options->origin,
			run->plan->mountpoint.path,
			reason.len ? reason.data : strerror(-err));
	err = api_new(run->loop, &run->plan->log, &config, &run->api);
	if (err)
		return mount_system_error(
			"cannot initialise the API client", err, errmsg);
	err = key_reader_new(run->loop, &run->plan->log, &run->plan->key_source, run->api,
		mount_on_key, run, &run->key_reader);
	if (err)
		return mount_system_error("cannot create the key reader", err, errmsg);
	if (run->plan->key_source.path)
		api_on_key_refused(run->api, mount_on_key_refused, run);
	/* From here on the API client has the only copy of the key. */
	explicit_bzero(run->plan->key, strlen(run->plan->key));
	return EXIT_CODE_OK;
}

/* Called after the key was checked, so that a wrong key leaves no database behind. */
static int mount_open_catalog(struct run_mount *run, struct buf *errmsg)
{
	const struct catalog_config config = {
		.path = run->plan->cache_path,
		.origin = run->plan->options->account,
		.texts_max = run->plan->options->cache_size,
	};
	const char *ids[VERIFY_KEY_NEWEST_MAX];

	for (size_t i = 0; i < run->newest.len; i++)
		ids[i] = run->newest.ids[i];
	if (run->newest.len)
		cache_files_adopt(config.path, config.origin, ids, run->newest.len,
			&run->plan->log);

	int err = catalog_open(&config, &clock_system, &run->plan->log, &run->catalog);

	if (err)
		return mount_system_error(
			"cannot create a database, not even a temporary one", err,
			errmsg);
	return EXIT_CODE_OK;
}

static int mount_open_fs(struct run_mount *run, struct buf *errmsg)
{
	static const struct fs_handlers handlers = {
		.on_ready = mount_on_ready, .on_end = mount_on_end};
	const struct options *options = run->plan->options;
	CLEANUP(buf_done) struct buf text;
	const struct sync_config sync = {
		.ttl_ms = options->ttl_ms,
		.connections = options->connections,
		.page_size = options->page_size,
		.offline_ok = options->offline_ok,
		.offline = run->unreachable,
		.timeout_ms = run->plan->timeout_ms,
	};

	/*
	 * Redirect the log. This is the last time we may: once threads have been started,
	 * it must not change.
	 */
	log_init(&run->plan->log, "gladiafs", options->log_syslog, options->debug);
	run->plan->log.verbose = options->log_requests;
	run->plan->log.recent = run->recent_log;
	buf_init(&text, CONFIG_MAX);

	int err = config_text_print(run->plan, &text);
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
		.zone = zone_use(options->tz),
		.formats = options->formats,
		.ttl_ms = options->ttl_ms,
		.timeout_ms = run->plan->timeout_ms,
	};

	if (!err)
		err = sync_new(run->loop, &run->plan->log, run->catalog, run->api, &sync,
			&run->sync);
	if (!err)
		err = fs_new(run->loop, &run->plan->log, run->catalog, run->sync, &fs,
			&handlers, run, &run->fs);
	if (err)
		return mount_system_error("cannot create the filesystem", err, errmsg);
	loop_set_hook(run->loop, mount_on_turn, run);
	return EXIT_CODE_OK;
}

static int mount_error(const struct run_mount *run, int err, struct buf *errmsg)
{
	return errmsg_set(errmsg, EXIT_CODE_MOUNT, "cannot mount on %s: %s",
		run->plan->mountpoint.path, strerror(-err));
}

/*
 * Mounts, and starts the threads. libfuse and fusermount3 print the reason of a failure
 * to stderr; we capture it for our own error message.
 */
static int mount_fs(struct run_mount *run, struct buf *errmsg)
{
	const char *mountpoint = run->plan->mountpoint.path;
	CLEANUP(buf_done) struct buf reason;
	struct stderr_capture capture;

	buf_init(&reason, REASON_MAX);
	stderr_capture_begin(&capture);

	int err = fs_mount(run->fs, mountpoint);

	stderr_capture_end(&capture, err ? &reason : NULL);
	if (err)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"cannot mount on %s: %s (gladiafs --check shows what a mount "
			"needs)",
			mountpoint, reason.len ? reason.data : strerror(-err));
	err = unmount_identify(mountpoint, &run->mount);
	if (err)
		return mount_error(run, err, errmsg);
	run->mounted = true;
	/* It forks, so it must run before log_start() and fs_start() start threads. */
	if (run->plan->options->auto_unmount)
		err = unmount_after_end(&run->mount);
	if (!err)
		err = log_start(&run->plan->log);
	if (!err)
		err = fs_start(run->fs);
	return err ? mount_error(run, err, errmsg) : EXIT_CODE_OK;
}

static int mount_run(struct run_mount *run, struct buf *errmsg)
{
	int err = loop_run(run->loop);

	if (!err)
		err = run->error;
	if (run->signal && !run->serving)
		return mount_interrupted(run, errmsg);
	if (err)
		return errmsg_set(errmsg,
			run->serving ? EXIT_CODE_SYSTEM : EXIT_CODE_MOUNT,
			"lost the connection to the kernel for %s: %s",
			run->plan->mountpoint.path, strerror(-err));
	if (!run->serving)
		return errmsg_set(errmsg, EXIT_CODE_MOUNT,
			"%s was unmounted before it could be used",
			run->plan->mountpoint.path);
	/*
	 * If the kernel aborted the connection we leave the mount in place. It returns
	 * errors from now on, while the empty directory below it would look as if all
	 * jobs had been deleted.
	 */
	run->aborted = !run->signal && unmount_is_mounted(&run->mount);
	if (run->aborted)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"the kernel has aborted the mount on %s: a request was not "
			"answered for longer than fs.fuse.default_request_timeout "
			"allows, or root aborted it; mount it again",
			run->plan->mountpoint.path);
	return EXIT_CODE_OK;
}

/*
 * Unmounts, unless the kernel has aborted the connection. Returns `code`. If unmounting
 * fails, returns EXIT_CODE_SYSTEM and an error message if `code` was EXIT_CODE_OK, and
 * otherwise logs the failure.
 */
static int mount_unmount_fs(const struct run_mount *run, int code, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, ERRMSG_MAX);
	if (!run->mounted || run->aborted || !unmount_now(&run->mount, &reason))
		return code;
	if (!code)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"%s; until then, accesses fail, because its process has ended",
			reason.data ? reason.data : "cannot unmount");
	log_error(&run->plan->log, "%s", reason.data ? reason.data : "cannot unmount");
	return code;
}

/* Logs why the mount ends. */
static void mount_log_unmount(const struct run_mount *run)
{
	const char *path = run->plan->mountpoint.path;

	if (run->signal)
		log_notice(&run->plan->log, "unmounting %s: %s", path,
			strsignal(run->signal));
	else if (!run->aborted && !run->error)
		log_notice(&run->plan->log, "%s was unmounted", path);
}

/*
 * Releases everything in reverse order. We unmount first, so that no process waits for
 * the rest to finish. Returns `code`, or the exit code that mount_unmount_fs() replaced
 * it with.
 */
static int mount_end(struct run_mount *run, int code, struct buf *errmsg)
{
	if (run->serving && run->plan->options->foreground)
		service_manager_stopping();
	if (run->serving)
		mount_log_unmount(run);
	fs_free(run->fs);
	code = mount_unmount_fs(run, code, errmsg);
	if (run->sync)
		sync_free(run->sync);
	catalog_close(run->catalog);
	key_reader_free(run->key_reader);
	api_free(run->api);
	if (run->loop) {
		loop_remove_fd(run->loop, run->signals);
		loop_free(run->loop);
	}
	if (run->signals >= 0)
		close(run->signals);
	if (run->serving)
		log_notice(&run->plan->log, "ended (exit code %d)", code);
	log_stop(&run->plan->log);
	run->plan->log.recent = NULL;
	recent_log_free(run->recent_log);
	return code;
}

/* A step of a mount. Returns an exit code; if that is not EXIT_CODE_OK, sets `errmsg`. */
typedef int mount_step(struct run_mount *run, struct buf *errmsg);

int run_mount(struct mount_plan *plan, struct buf *errmsg)
{
	static mount_step *const steps[] = {
		mount_prepare,
		mount_open_loop,
		mount_open_api,
		mount_open_catalog,
		mount_open_fs,
		mount_fs,
		mount_run,
	};
	struct run_mount run = {.plan = plan, .signals = -1};
	int code = EXIT_CODE_OK;

	for (size_t i = 0; !code && i < ARRAY_SIZE(steps); i++)
		code = steps[i](&run, errmsg);
	return mount_end(&run, code, errmsg);
}
