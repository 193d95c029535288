/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --check: runs all checks. The checks of the local machine are in this file,
 * those of the API in check_api.c.
 */
#include "commands/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "check_internal.h"
#include "config/api_key.h"
#include "config/cache_path.h"
#include "process/exit_code.h"

enum {
	FREE_MIN_MIB = 64, /* listing an account once can fill less than this */
	LINE_MAX_BYTES = 4096,
};

static const char fuse_conf[] = "/etc/fuse.conf";
static const char updatedb_conf[] = "/etc/updatedb.conf";

static int check_device(struct check *check, struct buf *say)
{
	CLEANUP_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)check;
	if (fd >= 0)
		return errmsg_set(say, VERDICT_OK, "can be opened");
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return errmsg_set(say, VERDICT_WRONG,
			"does not exist: modprobe fuse (start a container with --device "
			"/dev/fuse --cap-add SYS_ADMIN)");
	return errmsg_set(say, VERDICT_WRONG,
		"cannot be opened (%s): chmod 666 /dev/fuse", strerror(errno));
}

/*
 * Finds the program in $PATH that execvp(3) would run. Returns false if there is none.
 * The caller frees `ret_path`.
 */
static bool check_find_program(const char *name, char **ret_path, struct stat *ret_status)
{
	const char *variable = getenv("PATH");
	CLEANUP_FREE char *path = strdup(variable ? variable : "/usr/bin:/bin");
	char *rest = path;
	const char *directory;

	while (path && (directory = strsep(&rest, ":"))) {
		char *found;

		if (asprintf(&found, "%s/%s", directory, name) < 0)
			return false;
		if (access(found, X_OK) == 0 && stat(found, ret_status) == 0) {
			*ret_path = found;
			return true;
		}
		free(found);
	}
	return false;
}

/* Checks fusermount3. Root needs it to unmount only, other users also to mount. */
static int check_helper(struct check *check, struct buf *say)
{
	CLEANUP_FREE char *path = NULL;
	struct stat status;

	(void)check;
	if (!check_find_program("fusermount3", &path, &status))
		return errmsg_set(say, VERDICT_WRONG,
			"is not installed: apt install fuse3 (or your distribution's "
			"package)");
	if (geteuid() != 0 && (!(status.st_mode & S_ISUID) || status.st_uid != 0))
		return errmsg_set(say, VERDICT_WRONG,
			"%s is not setuid root, so you cannot mount: chown root %s && "
			"chmod u+s %s",
			path, path, path);
	return errmsg_set(say, VERDICT_OK, "is %s", path);
}

/* True if a line of the file is `word`, apart from white space and a comment. */
static bool check_has_line(FILE *file, const char *word)
{
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		const char *start = line + strspn(line, " \t");
		size_t len = strcspn(start, " \t\r\n#");

		if (len == strlen(word) && strncmp(start, word, len) == 0)
			return true;
	}
	return false;
}

static int check_fuse_conf(struct check *check, struct buf *say)
{
	CLEANUP_FILE FILE *file = fopen(fuse_conf, "re");
	bool others = file && check_has_line(file, "user_allow_other");

	if (!file && errno != ENOENT)
		return errmsg_set(say, VERDICT_WRONG,
			"%s cannot be read (%s): chmod 644 %s", fuse_conf,
			strerror(errno), fuse_conf);
	if (others || geteuid() == 0)
		return errmsg_set(say, VERDICT_OK, "lets you use -o allow_other");
	if (!check->options->allow_other)
		return errmsg_set(say, VERDICT_OK,
			"lets you mount (not with -o allow_other: that needs the line "
			"user_allow_other in %s)",
			fuse_conf);
	return errmsg_set(say, VERDICT_WRONG,
		"does not let you use -o allow_other: add the line user_allow_other to "
		"%s",
		fuse_conf);
}

/*
 * Checks that the directory of the cache file `path` can be written and has enough free
 * space. `where` explains in messages why that directory is used.
 */
static int check_space(const char *path, const char *where, struct buf *say)
{
	CLEANUP_FREE char *directory = strdup(path);
	struct statvfs space;

	if (!directory)
		return errmsg_set(say, VERDICT_WRONG, "cannot be checked: out of memory");
	*strrchr(directory, '/') = '\0';
	if (access(directory, W_OK) < 0 || statvfs(directory, &space) < 0)
		return errmsg_set(say, VERDICT_WRONG,
			"%s cannot be written (%s): choose another with -o "
			"cache_dir=PATH, or use -o cache=off",
			directory, strerror(errno));

	uint64_t mib = ((uint64_t)space.f_bavail * space.f_frsize) >> 20;

	if (mib < FREE_MIN_MIB)
		return errmsg_set(say, VERDICT_WRONG,
			"%s has only %ju MiB left: free some space, or choose another "
			"with -o cache_dir=PATH",
			directory, (uintmax_t)mib);
	return errmsg_set(say, VERDICT_OK, "%s can be written, and has %ju MiB left; %s",
		directory, (uintmax_t)mib, where);
}

static int check_cache(struct check *check, struct buf *say)
{
	const struct options *options = check->options;
	CLEANUP(buf_done) struct buf note;
	CLEANUP_FREE char *path = NULL;
	const char *where = options->cache_dir ? "set with -o cache_dir="
					       : "the default directory";

	buf_init(&note, ERRMSG_MAX);
	if (!options->cache_disk)
		return errmsg_set(say, VERDICT_OK, "is off (-o cache=off)");
	/* Without a key the file name is wrong, but we need only its directory. */
	if (cache_path_find(options->cache_dir, options->origin,
		    check->key ? check->key : "", &path, &note, say))
		return VERDICT_WRONG;
	return check_space(path, note.len ? note.data : where, say);
}

/* True if PRUNEFS = "..." in updatedb.conf(5) contains `word`, in upper or lower case. */
static bool check_prunes(FILE *file, const char *word)
{
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		char *rest = line + strspn(line, " \t");
		const char *name;

		if (strncmp(rest, "PRUNEFS", strlen("PRUNEFS")) != 0)
			continue;
		while ((name = strsep(&rest, " \t\r\n\"=")))
			if (strcasecmp(name, word) == 0)
				return true;
	}
	return false;
}

/*
 * True if systemd is running and the drop-in is installed with which we keep plocate's
 * updatedb out of gladiafs mounts. /lib is a link to /usr/lib.
 */
static bool check_has_drop_in(void)
{
	static const char *const places[] = {
		"/lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf",
		"/usr/local/lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf",
	};

	if (access("/run/systemd/system", F_OK) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], F_OK) == 0)
			return true;
	return false;
}

/* Checks that updatedb, which reads every directory at night, skips gladiafs mounts. */
static int check_updatedb(struct check *check, struct buf *say)
{
	CLEANUP_FILE FILE *file = fopen(updatedb_conf, "re");

	(void)check;
	if (!file && errno == ENOENT)
		return errmsg_set(say, VERDICT_OK, "is not installed");
	if (!file)
		return errmsg_set(say, VERDICT_WRONG,
			"has a configuration that cannot be read (%s): chmod 644 %s",
			strerror(errno), updatedb_conf);
	if (check_prunes(file, "fuse.gladiafs") || check_has_drop_in())
		return errmsg_set(say, VERDICT_OK, "skips gladiafs mounts");
	return errmsg_set(say, VERDICT_WRONG,
		"would read all gladiafs mounts every night: sed -i "
		"'s/^PRUNEFS=\"/&fuse.gladiafs /' %s",
		updatedb_conf);
}

static void check_print(int verdict, const char *name, const struct buf *say)
{
	static const char *const words[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_WRONG] = "WRONG",
		[VERDICT_UNKNOWN] = "?",
	};

	printf("%-6s %-12s %s\n", words[verdict], name, say->len ? say->data : "");
}

int check_run(const struct options *options)
{
	static const struct {
		const char *name;
		check_fn *run;
	} checks[] = {
		{"network", check_api_network},
		{"TLS", check_api_tls},
		{"clock", check_api_clock},
		{"key", check_api_key},
		{"/dev/fuse", check_device},
		{"fusermount3", check_helper},
		{"fuse.conf", check_fuse_conf},
		{"cache", check_cache},
		{"updatedb", check_updatedb},
	};
	struct check check = {.options = options, .server_ms = -1};
	CLEANUP(buf_done) struct buf say;
	bool all = true;

	log_init(&check.log, "gladiafs", false, options->debug);
	buf_init(&say, LINE_MAX_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int verdict = checks[i].run(&check, &say);

		check_print(verdict, checks[i].name, &say);
		all = all && verdict == VERDICT_OK;
	}
	api_key_free(check.key);
	return all ? EXIT_CODE_OK : EXIT_CODE_MOUNT;
}
