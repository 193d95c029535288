/* SPDX-License-Identifier: MIT */
#include "keyplace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "why.h"

/* For a command that can be pasted. */
static const char *quote_for(const char *path)
{
	return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789/._-+@") == strlen(path)
		       ? ""
		       : "'";
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

/*
 * Nobody but us and root may read or write the file (SPEC 2.2). systemd gives credentials
 * to a unit's user by an access list, whose mask shows as the group's permission to read
 * a file of root's: with `credential` that is fine.
 */
static int check_file(
	const char *path, const struct stat *st, bool credential, struct buf *why)
{
	const mode_t others = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
	mode_t open_to = st->st_mode & others;
	const char *quote = quote_for(path);

	if (S_ISDIR(st->st_mode))
		return why_set(why, -EISDIR,
			"the key cannot be read from %s: it is a directory, where a file "
			"with the key is expected",
			path);
	if (!S_ISREG(st->st_mode))
		return why_set(why, -EINVAL,
			"the key cannot be read from %s: it is no regular file; write "
			"the key to one",
			path);
	if (!is_ours(st))
		return why_set(why, -EACCES,
			"the key in %s is not used, for the file belongs to another user "
			"(%u): copy it to a file of your own, or chown %u %s%s%s",
			path, st->st_uid, geteuid(), quote, path, quote);
	if (credential && st->st_uid == 0)
		open_to &= (mode_t)~S_IRGRP;
	if (open_to)
		return why_set(why, -EACCES,
			"the key in %s is not used, for others can read or write the "
			"file (mode %04o): chmod 600 %s%s%s",
			path, st->st_mode & 07777, quote, path, quote);
	return 0;
}

/*
 * Who can change the directory can put another file of ours there, whose first line would
 * then be sent as the key. In a sticky one (/tmp) nobody can take our file away.
 */
static int check_directory(const char *path, const char *directory, struct buf *why)
{
	const char *quote = quote_for(directory);
	struct stat st;

	if (stat(directory, &st) < 0) {
		int err = -errno;

		return why_set(why, err,
			"the key in %s is not used, for its directory cannot be looked "
			"at (%s)",
			path, strerror(-err));
	}
	if (!is_ours(&st))
		return why_set(why, -EACCES,
			"the key in %s is not used, for its directory %s belongs to "
			"another user (%u), who could put another there: move the file "
			"to a directory of your own",
			path, directory, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX))
		return why_set(why, -EACCES,
			"the key in %s is not used, for others can write to its "
			"directory (mode %04o), and could put another there: chmod go-w "
			"%s%s%s",
			path, st.st_mode & 07777, quote, directory, quote);
	return 0;
}

static int check_directory_of(const char *path, const char *file, struct buf *why)
{
	CLEANUP_FREE char *directory = strdup(file);
	char *slash = directory ? strrchr(directory, '/') : NULL;

	if (!directory)
		return why_set(why, -ENOMEM, "out of memory");
	if (!slash)
		return check_directory(path, ".", why);
	slash[slash == directory] = '\0';
	return check_directory(path, directory, why);
}

int keyplace_check(const char *path, int fd, bool credential, struct buf *why)
{
	CLEANUP_FREE char *real = NULL;
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0) {
		err = -errno;
		return why_set(why, err, "the key file %s cannot be looked at (%s)", path,
			strerror(-err));
	}
	err = check_file(path, &st, credential, why);
	if (err)
		return err;
	real = realpath(path, NULL);
	if (!real) {
		err = -errno;
		return why_set(why, err, "the key file %s cannot be found again (%s)",
			path, strerror(-err));
	}
	err = check_directory_of(path, path, why);
	/* Where it is a link, or lies behind one. */
	return err ? err : check_directory_of(path, real, why);
}
