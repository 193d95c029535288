/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --cache: lists the caches, and removes those that are no longer needed.
 */
#include "commands/cache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/errmsg.h"
#include "catalog/cache_files.h"
#include "config/cache_path.h"
#include "gladia/timestamp.h"
#include "process/exit_code.h"

#define UNUSED_MS (INT64_C(90) * DAY_MS) /* --cache=clean removes what is older */

struct cache_command {
	const struct options *options;
	int64_t now_ms;
	int files; /* number of caches found */
	int code;
	struct buf *errmsg;
};

/* Prints what is known about a cache, and what was done with it. */
static void cache_print(const struct cache_file *file, const char *done)
{
	char day[DAY_TEXT];
	char jobs[32] = "?";

	day_print(day_of_timestamp(file->used_ms), day);
	if (file->jobs >= 0)
		(void)snprintf(jobs, sizeof(jobs), "%" PRId64, file->jobs);
	printf("%s  %s jobs, %.1f MB, %s%s, %s%s\n",
		file->origin ? file->origin : "unknown account", jobs,
		(double)file->bytes / 1e6, file->in_use ? "in use" : "last used ",
		file->in_use ? "" : day, file->path, done);
}

static bool cache_is_unwanted(
	const struct cache_command *command, const struct cache_file *file)
{
	switch (command->options->cache_clean) {
	case OPTIONS_CLEAN_ALL:
		return !file->in_use;
	case OPTIONS_CLEAN_UNUSED:
		return !file->in_use && command->now_ms - file->used_ms > UNUSED_MS;
	case OPTIONS_CLEAN_NOTHING:
		break;
	}
	return false;
}

static void cache_handle_file(
	struct cache_command *command, const struct cache_file *file)
{
	bool removed = false;

	if (cache_is_unwanted(command, file)) {
		int err = cache_files_remove(file->path);

		removed = !err;
		if (err)
			command->code = errmsg_set(command->errmsg, EXIT_CODE_SYSTEM,
				"cannot remove the cache %s: %s", file->path,
				strerror(-err));
	}
	cache_print(file, removed ? ": removed" : "");
	command->files++;
}

static void cache_handle_directory(void *ctx, const char *directory)
{
	struct cache_command *command = ctx;
	struct cache_file *files;
	size_t len;
	int err = cache_files_list(directory, &files, &len);

	if (err == -ENOENT)
		return;
	if (err) {
		command->code = errmsg_set(command->errmsg, EXIT_CODE_SYSTEM,
			"cannot read the cache directory %s: %s", directory,
			strerror(-err));
		return;
	}
	for (size_t i = 0; i < len; i++)
		cache_handle_file(command, &files[i]);
	cache_files_free(files, len);
}

int cache_run(const struct options *options, struct buf *errmsg)
{
	struct cache_command command = {
		.options = options,
		.now_ms = clock_wall_ms(&clock_system),
		.code = EXIT_CODE_OK,
		.errmsg = errmsg,
	};

	if (cache_path_each(options->cache_dir, cache_handle_directory, &command, errmsg))
		return EXIT_CODE_SYSTEM;
	if (!command.files && !command.code)
		printf("there are no caches\n");
	return command.code;
}
