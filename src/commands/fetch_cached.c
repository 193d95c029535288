/* SPDX-License-Identifier: MIT */
#include "fetch_cached.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "process/exit_code.h"
#include "json/cursor.h"

enum { STATS_MAX = 64 << 10 };

int fetch_check_cached(const char *mount, int64_t since_wall_ms, struct buf *errmsg)
{
	static const char *const names[] = {"dropped_ms", "unsaved"};
	struct json_slice values[ARRAY_SIZE(names)];
	CLEANUP_FREE char *path = NULL;
	char text[STATS_MAX + 1] = "";
	CLEANUP_CLOSE int fd = asprintf(&path, "%s/.gladiafs/stats", mount) < 0
				       ? -1
				       : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, STATS_MAX);
	const struct json_slice stats = {text, text + (len > 0 ? len : 0)};

	json_members(json_member(stats, "cache"), names, ARRAY_SIZE(names), values);
	if (!values[0].at)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"cannot find out from %s/.gladiafs/stats whether all texts are "
			"cached; mount again if the mount is of an older version",
			mount);
	if (json_is(values[1], "true"))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"not all texts are cached, because the disk of the cache of %s "
			"is full; free some space and run the same command again",
			mount);
	if (strtoll(values[0].at, NULL, 10) >= since_wall_ms)
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM,
			"not all texts may be cached, because the cache of %s is too "
			"small and texts were removed; use a larger cache_size= or free "
			"space on its disk, and run the same command again",
			mount);
	return EXIT_CODE_OK;
}
