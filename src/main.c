/* SPDX-License-Identifier: MIT */
/*
 * Parses the command line and carries out what it asks for. To mount, checks everything
 * that can be checked beforehand and then calls run_mount(), usually in a background
 * process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "commands/cache.h"
#include "commands/check.h"
#include "commands/check_api.h"
#include "commands/fetch.h"
#include "commands/refresh.h"
#include "config/api_key.h"
#include "config/cache_path.h"
#include "config/options.h"
#include "config/timeouts.h"
#include "fs/fs.h"
#include "http/http.h"
#include "mount/covered.h"
#include "mount/mount_table.h"
#include "mount/mountpoint.h"
#include "mount/run_mount.h"
#include "process/daemon.h"
#include "process/exit_code.h"
#include "process/hardening.h"

enum { STACKED_MAX = 16 }; /* maximum number of dead mounts on one directory */

static void main_plan_done(struct mount_plan *plan)
{
	api_key_free(plan->key);
	key_source_done(&plan->key_source);
	mountpoint_done(&plan->mountpoint);
	free(plan->cache_path);
}

/*
 * Checks the mount point, and detaches dead gladiafs mounts on it if `clear` is set
 * (SEMANTICS 11.4). "mount -f" does not set it, because it must not change anything.
 */
static int main_find_mountpoint(struct mount_plan *plan, bool clear, struct buf *errmsg)
{
	const struct options *options = plan->options;

	for (int i = 0; i < STACKED_MAX; i++) {
		mountpoint_done(&plan->mountpoint);
		if (mountpoint_check(options->mountpoint, MOUNTINFO_SELF,
			    &plan->mountpoint, errmsg))
			return EXIT_CODE_MOUNT;
		if (!plan->mountpoint.dead || !clear)
			return EXIT_CODE_OK;
		if (mountpoint_clear(&plan->mountpoint, errmsg))
			return EXIT_CODE_MOUNT;
		log_warning(&plan->log, "detached a gladiafs mount on %s %s",
			plan->mountpoint.path, mountpoint_fault(&plan->mountpoint));
	}
	return errmsg_set(errmsg, EXIT_CODE_MOUNT,
		"cannot mount on %s: more than %d dead mounts are stacked there; unmount "
		"them",
		options->mountpoint, STACKED_MAX);
}

/*
 * Finds the path of the cache file. If there is none we log a warning and go on without a
 * cache on disk, because the mount works without it.
 */
static void main_find_cache(struct mount_plan *plan)
{
	const struct options *options = plan->options;
	CLEANUP(buf_done) struct buf note;
	CLEANUP(buf_done) struct buf errmsg;

	buf_init(&note, ERRMSG_MAX);
	buf_init(&errmsg, ERRMSG_MAX);
	if (!options->cache_disk)
		return;

	int err = cache_path_find(options->cache_dir, options->account, plan->key,
		&plan->cache_path, &note, &errmsg);

	if (note.len)
		log_warning(&plan->log, "%s", note.data);
	if (err)
		log_warning(&plan->log, "continuing without a cache on disk: %s",
			errmsg.len ? errmsg.data : "out of memory");
}

/* Without a cache on disk, the database uses temporary files. */
static void main_check_temporary(const struct mount_plan *plan)
{
	CLEANUP(buf_done) struct buf note;

	buf_init(&note, ERRMSG_MAX);
	if (!plan->cache_path)
		cache_path_check_temporary(catalog_temporary_dir(), &note);
	if (note.len)
		log_warning(&plan->log, "%s", note.data);
}

/*
 * Makes sure that the mount will not hide any file that we need while it is mounted
 * (SEMANTICS 11.5). Without a cache on disk that includes the directory for the temporary
 * database.
 */
static int main_check_covered(const struct mount_plan *plan, struct buf *errmsg)
{
	const struct options *options = plan->options;
	const struct {
		const char *path;
		const char *what;
		const char *remedy;
	} needs[] = {
		{plan->cache_path, "the cache",
			", or choose a directory elsewhere with -o cache_dir=PATH"},
		{plan->cache_path ? NULL : catalog_temporary_dir(),
			"the directory of temporary files",
			", or set TMPDIR to a directory elsewhere"},
		{plan->key_source.path, "the file with the API key",
			", or choose a file elsewhere with -o key_file=PATH"},
		{options->ca_file, "the certificates",
			", or choose a file elsewhere with -o ca_file=PATH"},
		{"/dev", "the devices", ""},
		{"/etc", "the system's configuration", ""},
		{"/proc", "the list of processes", ""},
		{"/usr", "the system's programs", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].path && covered_by(plan->mountpoint.path, needs[i].path))
			return errmsg_set(errmsg, EXIT_CODE_MOUNT,
				"cannot mount on %s: that would hide %s (%s), which "
				"gladiafs needs while it is mounted; choose another "
				"mount point%s",
				plan->mountpoint.path, needs[i].what, needs[i].path,
				needs[i].remedy);
	return EXIT_CODE_OK;
}

/* Derives the timeout of requests from the options and the kernel's own limits. */
static void main_find_timeout(struct mount_plan *plan)
{
	CLEANUP(buf_done) struct buf errmsg;

	buf_init(&errmsg, ERRMSG_MAX);
	plan->timeout_ms = timeout_of_requests(
		plan->options->timeout_ms, DEADLINE_KERNEL, &errmsg);
	if (errmsg.len)
		log_warning(&plan->log, "%s", errmsg.data);
}

/* Returns the error message, which is empty only if there was no memory for it. */
static const char *main_text_of(const struct buf *errmsg)
{
	return errmsg->len ? errmsg->data : "out of memory";
}

/*
 * Runs in the background process. An error message goes to the parent, which prints it,
 * or to the log if the parent is no longer waiting.
 */
static int main_run_child(struct mount_plan *plan, struct buf *errmsg)
{
	int code = run_mount(plan, errmsg);

	if (plan->daemon.waited_for)
		daemon_report(&plan->daemon, code, main_text_of(errmsg), false);
	else if (code)
		log_error(&plan->log, "%s", main_text_of(errmsg));
	buf_reset(errmsg);
	return code;
}

/* Mounts in a background process and waits until that is usable or has failed. */
static int main_run_background(struct mount_plan *plan, struct buf *errmsg)
{
	int code;
	int started = daemon_start(&plan->daemon, &code, errmsg);

	if (started < 0)
		return EXIT_CODE_SYSTEM;
	if (started == 0)
		return main_run_child(plan, errmsg);
	if (!code && plan->options->verbose)
		printf("gladiafs: %s mounted on %s\n", plan->options->source,
			plan->mountpoint.path);
	return code;
}

/* Mounts, or only checks whether mounting would work ("mount -f"). */
static int main_mount_as_asked(const struct options *options, struct buf *errmsg)
{
	CLEANUP(main_plan_done) struct mount_plan plan = {.options = options};
	bool fake = options->action == OPTIONS_FAKE;
	int code;

	/* Until it is mounted, log to stderr: the user is waiting for the result. */
	log_init(&plan.log, "gladiafs", false, options->debug);
	plan.log.verbose = options->log_requests;
	if (api_key_find(options->key_file, &plan.key, &plan.key_source, errmsg))
		return EXIT_CODE_MOUNT;
	code = main_find_mountpoint(&plan, !fake, errmsg);
	if (code)
		return code;
	main_find_cache(&plan);
	main_check_temporary(&plan);
	main_find_timeout(&plan);
	code = main_check_covered(&plan, errmsg);
	if (code || fake)
		return code;
	if (!options->nonempty && mountpoint_hides_files(&plan.mountpoint))
		log_warning(&plan.log,
			"%s is not empty: the mount hides its files until you unmount",
			plan.mountpoint.path);
	return options->foreground ? run_mount(&plan, errmsg)
				   : main_run_background(&plan, errmsg);
}

static int main_act(struct options *options, struct buf *errmsg)
{
	switch (options->action) {
	case OPTIONS_HELP:
		options_print_help();
		return EXIT_CODE_OK;
	case OPTIONS_VERSION:
		/* libfuse calls fusermount3, which prints its version, too. */
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
		printf("gladiafs %s\n%s\nSQLite %s\n", GLADIAFS_VERSION,
			http_library_version(), catalog_library_version());
		fs_print_version();
		return EXIT_CODE_OK;
	case OPTIONS_CHECK:
		return options->check_api ? check_api_run(options, errmsg)
					  : check_run(options, errmsg);
	case OPTIONS_REFRESH:
		return refresh_path(options->paths, errmsg);
	case OPTIONS_FETCH:
		return fetch_run(options->paths, errmsg);
	case OPTIONS_CACHE:
		return cache_run(options, errmsg);
	case OPTIONS_MOUNT:
	case OPTIONS_FAKE:
		break;
	}
	return main_mount_as_asked(options, errmsg);
}

/* Prints an error message to stderr. */
static void main_complain(const char *errmsg)
{
	struct log log;

	log_init(&log, "gladiafs", false, false);
	log_error(&log, "%s", errmsg);
}

int main(int argc, char **argv)
{
	CLEANUP(buf_done) struct buf errmsg;
	int code;

	hardening_prepare();
	buf_init(&errmsg, ERRMSG_MAX);
	/* Then a message can be printed even if memory runs out later. */
	if (buf_reserve(&errmsg, ERRMSG_MAX)) {
		main_complain("out of memory");
		return EXIT_CODE_SYSTEM;
	}

	CLEANUP(options_done) struct options options;

	int err = options_parse(argc, argv, &options, &errmsg);

	if (err)
		code = err == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_USAGE;
	else
		code = main_act(&options, &errmsg);
	if (errmsg.len)
		main_complain(errmsg.data);
	return code;
}
