/* SPDX-License-Identifier: MIT */
#include "config/cache_path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/errmsg.h"
#include "base/remote.h"
#include "base/sha256.h"
#include "home.h"

enum { NAME_DIGITS = 32 };

struct cache_directory {
	char *path;
	/* Other users could put a symbolic link in its place, so it must not be one. */
	bool is_shared;
};

static void cache_path_directory_done(struct cache_directory *directory)
{
	free(directory->path);
}

static int cache_path_no_memory(struct buf *errmsg)
{
	return errmsg_set(errmsg, -ENOMEM, "out of memory");
}

static int cache_path_usual_directory(char **ret_directory, struct buf *errmsg)
{
	const char *base = home_xdg("XDG_CACHE_HOME");
	const char *below = "gladiafs";

	if (!base && !home_from_environment() && geteuid() == 0)
		base = "/var/cache";
	if (!base) {
		base = home_directory();
		below = ".cache/gladiafs";
	}
	if (!base)
		return errmsg_set(errmsg, -ENOENT,
			"there is no cache directory: user %u has no home, neither in "
			"HOME nor in the password database; choose a directory with -o "
			"cache_dir=PATH",
			geteuid());
	if (asprintf(ret_directory, "%s/%s", base, below) < 0) {
		*ret_directory = NULL;
		return cache_path_no_memory(errmsg);
	}
	return 0;
}

/*
 * Returns the type of the filesystem that `directory` is on, or would be created on, if
 * it is a network or FUSE filesystem; else NULL.
 */
static const char *cache_path_find_remote(const char *directory)
{
	assert(directory);

	CLEANUP_FREE char *path = strdup(directory);
	const char *type = NULL;
	char *slash = path;

	while (slash) {
		CLEANUP_CLOSE int fd = open(
			*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			return remote_type(fd, &type) < 0 ? NULL : type;
		slash = strrchr(path, '/');
		if (slash)
			*slash = '\0';
	}
	return NULL;
}

/*
 * Moves the cache to /var/tmp if its directory is on a network or FUSE filesystem. If the
 * user named the directory, or /var/tmp is not local either, only sets `note`.
 */
static int cache_path_avoid_remote(bool named, struct cache_directory *directory,
	struct buf *note, struct buf *errmsg)
{
	const char *type = cache_path_find_remote(directory->path);
	char *local;

	if (!type)
		return 0;
	if (named || cache_path_find_remote("/var/tmp")) {
		errmsg_set(note, 0,
			"the cache directory %s is on %s: if that stops answering, so "
			"does the whole mount; choose a directory on a local disk with "
			"-o cache_dir=PATH",
			directory->path, type);
		return 0;
	}
	if (asprintf(&local, "/var/tmp/gladiafs-%u", geteuid()) < 0)
		return cache_path_no_memory(errmsg);
	errmsg_set(note, 0,
		"using the cache directory %s, because %s is on %s, which can stop "
		"answering; choose another with -o cache_dir=PATH",
		local, directory->path, type);
	free(directory->path);
	*directory = (struct cache_directory){.path = local, .is_shared = true};
	return 0;
}

void cache_path_check_temporary(const char *directory, struct buf *note)
{
	const char *type = cache_path_find_remote(directory);

	if (type)
		errmsg_set(note, 0,
			"temporary files are in %s on %s: if that stops answering, so "
			"does the whole mount; set TMPDIR to a directory on a local disk",
			directory, type);
}

/* Creates a directory and its parents with mode 0700. Returns 0 or a negative errno. */
static int cache_path_make_directories(const char *directory)
{
	CLEANUP_FREE char *path = strdup(directory);

	if (!path)
		return -ENOMEM;
	for (char *slash = path; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		/*
		 * A parent may exist although we cannot write to it: only the last
		 * mkdir() must succeed.
		 */
		if (mkdir(path, 0700) < 0 && errno != EEXIST && !slash)
			return -errno;
		if (slash)
			*slash = '/';
	}
	return 0;
}

/*
 * Checks that only we can change the directory. Another user could put a different
 * database file there, or a symbolic link.
 */
static int cache_path_check_directory(
	const struct cache_directory *cache, struct buf *errmsg)
{
	const char *directory = cache->path;
	struct stat st;

	assert(directory);

	if (fstatat(AT_FDCWD, directory, &st,
		    cache->is_shared ? AT_SYMLINK_NOFOLLOW : 0) < 0) {
		int err = -errno;

		return errmsg_set(errmsg, err,
			"cannot access the cache directory %s (%s): choose another with "
			"-o cache_dir=PATH",
			directory, strerror(-err));
	}
	if (!S_ISDIR(st.st_mode))
		return errmsg_set(errmsg, -ENOTDIR,
			"the cache directory %s is not a directory: choose another with "
			"-o cache_dir=PATH",
			directory);
	if (st.st_uid != geteuid())
		return errmsg_set(errmsg, -EPERM,
			"the cache directory %s is not used, because it belongs to "
			"another user (%u): choose one that belongs to you with -o "
			"cache_dir=PATH",
			directory, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return errmsg_set(errmsg, -EPERM,
			"the cache directory %s is not used, because others can write to "
			"it (mode %04o): chmod 700 it",
			directory, st.st_mode & 07777);
	return 0;
}

/* Computes the file's name, a hash of `origin` and `key`. Returns 0 or -ENOMEM. */
static int cache_path_account_name(
	const char *origin, const char *key, char hex[static SHA256_HEX])
{
	size_t size = strlen(origin) + strlen(key) + 2;
	/* Not asprintf(): it may leave copies of the key in memory that it has freed. */
	char *account = malloc(size);

	if (!account)
		return -ENOMEM;
	(void)snprintf(account, size, "%s\n%s", origin, key);
	sha256_hex("cache", account, hex);
	explicit_bzero(account, size);
	free(account);
	return 0;
}

int cache_path_find(const char *cache_dir, const char *origin, const char *key,
	char **ret_path, struct buf *note, struct buf *errmsg)
{
	CLEANUP(cache_path_directory_done) struct cache_directory directory = {0};
	char hex[SHA256_HEX];
	char *path;
	int err = 0;

	if (cache_dir)
		directory.path = strdup(cache_dir);
	else
		err = cache_path_usual_directory(&directory.path, errmsg);
	if (!err && !directory.path)
		err = cache_path_no_memory(errmsg);
	if (!err)
		err = cache_path_avoid_remote(cache_dir, &directory, note, errmsg);
	if (err)
		return err;
	err = cache_path_make_directories(directory.path);
	if (err)
		return errmsg_set(errmsg, err,
			"cannot create the cache directory %s (%s): choose another with "
			"-o cache_dir=PATH",
			directory.path, strerror(-err));
	err = cache_path_check_directory(&directory, errmsg);
	if (err)
		return err;
	if (cache_path_account_name(origin, key, hex) ||
		asprintf(&path, "%s/%.*s.db", directory.path, NAME_DIGITS, hex) < 0)
		return cache_path_no_memory(errmsg);
	*ret_path = path;
	return 0;
}

/* Calls `fn` for the directory, unless there is none or it is not ours. */
static int cache_path_visit(const struct cache_directory *cache,
	void (*fn)(void *ctx, const char *directory), void *ctx, struct buf *errmsg)
{
	CLEANUP(buf_done) struct buf reason;

	buf_init(&reason, ERRMSG_MAX);

	int err = cache_path_check_directory(cache, &reason);

	if (!err)
		fn(ctx, cache->path);
	if (!err || err == -ENOENT || err == -ENOTDIR || err == -EPERM)
		return 0;
	return errmsg_set(errmsg, err, "%s", reason.len ? reason.data : "out of memory");
}

int cache_path_each(const char *cache_dir, void (*fn)(void *ctx, const char *directory),
	void *ctx, struct buf *errmsg)
{
	CLEANUP(cache_path_directory_done) struct cache_directory usual = {0};
	CLEANUP(cache_path_directory_done)
	struct cache_directory local = {.is_shared = true};
	int err = 0;

	if (cache_dir)
		usual.path = strdup(cache_dir);
	else
		err = cache_path_usual_directory(&usual.path, errmsg);
	if (!err && !usual.path)
		err = cache_path_no_memory(errmsg);
	if (!err)
		err = cache_path_visit(&usual, fn, ctx, errmsg);
	if (err || cache_dir)
		return err;
	if (asprintf(&local.path, "/var/tmp/gladiafs-%u", geteuid()) < 0) {
		local.path = NULL;
		return cache_path_no_memory(errmsg);
	}
	return cache_path_visit(&local, fn, ctx, errmsg);
}
