/* SPDX-License-Identifier: MIT */
/*
 * Looks after the database files of all accounts in a directory, without opening them as
 * catalogs.
 */
#include "catalog/cache_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "catalog/catalog.h"
#include "catalog/jobs.h"
#include "db_file.h"

enum { FILES_MAX = 1024 };

DEFINE_CLEANUP(cache_files_cleanup_db, sqlite3 *, sqlite3_close)
DEFINE_CLEANUP(cache_files_cleanup_statement, sqlite3_stmt *, sqlite3_finalize)
DEFINE_CLEANUP(cache_files_cleanup_dir, DIR *, closedir)

/* The files that belong to a database: the journal and the crash marker. */
static const char *const companions[] = {"-journal", "-boot"};

static bool cache_files_ends_with(const char *name, const char *end)
{
	size_t len = strlen(name);
	size_t end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static int64_t cache_files_ms(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

/* Opens the crash marker of the database. Returns a descriptor or a negative errno. */
static int cache_files_open_marker(const char *path)
{
	CLEANUP_FREE char *marker = NULL;

	if (asprintf(&marker, "%s-boot", path) < 0) {
		marker = NULL;
		return -ENOMEM;
	}

	int fd = open(marker, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* True unless it is certain that no mount holds its lock on the crash marker. */
static bool cache_files_is_in_use(int marker)
{
	if (marker < 0)
		return marker != -ENOENT;
	return flock(marker, LOCK_EX | LOCK_NB) < 0;
}

static int cache_files_open_db(const char *path, sqlite3 **ret_db)
{
	int code = sqlite3_open_v2(
		path, ret_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(*ret_db, CATALOG_BUSY_MS);
	return code;
}

/* Reads the number of jobs and the origin from the database, as far as possible. */
static void cache_files_read_db(struct cache_file *file)
{
	CLEANUP(cache_files_cleanup_db) sqlite3 *db = NULL;
	CLEANUP(cache_files_cleanup_statement) sqlite3_stmt *jobs = NULL;
	CLEANUP(cache_files_cleanup_statement) sqlite3_stmt *origin = NULL;

	file->jobs = -1;
	if (cache_files_open_db(file->path, &db) != SQLITE_OK)
		return;
	if (sqlite3_prepare_v2(db, "SELECT jobs FROM totals", -1, &jobs, NULL) ==
			SQLITE_OK &&
		sqlite3_step(jobs) == SQLITE_ROW)
		file->jobs = sqlite3_column_int64(jobs, 0);
	/* Older versions did not store it. */
	if (sqlite3_prepare_v2(db, "SELECT origin FROM account", -1, &origin, NULL) ==
			SQLITE_OK &&
		sqlite3_step(origin) == SQLITE_ROW &&
		sqlite3_column_type(origin, 0) == SQLITE_TEXT)
		file->origin = strdup((const char *)sqlite3_column_text(origin, 0));
}

/*
 * Fills in what is known about a file. Returns 0, -ENOENT if it is none of ours, -ENOMEM,
 * or another negative errno if its status cannot be read.
 */
static int cache_files_read(
	const char *directory, const char *name, struct cache_file *ret_file)
{
	struct cache_file file = {0};
	struct stat status;
	struct stat marked;

	if (asprintf(&file.path, "%s/%s", directory, name) < 0)
		return -ENOMEM;

	int err = lstat(file.path, &status) < 0 ? -errno : 0;

	if (!err && (!S_ISREG(status.st_mode) || status.st_uid != geteuid()))
		err = -ENOENT;
	if (err) {
		free(file.path);
		return err;
	}
	file.bytes = (uint64_t)status.st_blocks * 512;
	file.used_ms = cache_files_ms(&status.st_mtim);

	CLEANUP_CLOSE int marker = cache_files_open_marker(file.path);

	file.in_use = cache_files_is_in_use(marker);
	if (marker >= 0 && fstat(marker, &marked) == 0)
		file.used_ms = MAX(file.used_ms, cache_files_ms(&marked.st_mtim));
	cache_files_read_db(&file);
	*ret_file = file;
	return 0;
}

static int cache_files_compare(const void *a, const void *b)
{
	const struct cache_file *one = a;
	const struct cache_file *other = b;

	return (one->used_ms < other->used_ms) - (one->used_ms > other->used_ms);
}

int cache_files_list(
	const char *directory, struct cache_file **ret_files, size_t *ret_len)
{
	CLEANUP(cache_files_cleanup_dir) DIR *dir = opendir(directory);
	struct cache_file *files = calloc(FILES_MAX, sizeof(*files));
	const struct dirent *entry;
	size_t len = 0;
	int err = !files ? -ENOMEM : !dir ? -errno : 0;

	while (!err && dir && len < FILES_MAX && (entry = readdir(dir))) {
		if (!cache_files_ends_with(entry->d_name, ".db") &&
			!cache_files_ends_with(entry->d_name, ".db.damaged"))
			continue;
		err = cache_files_read(directory, entry->d_name, &files[len]);
		len += !err;
		if (err == -ENOENT)
			err = 0;
	}
	if (err) {
		cache_files_free(files, len);
		return err;
	}
	qsort(files, len, sizeof(*files), cache_files_compare);
	*ret_files = files;
	*ret_len = len;
	return 0;
}

void cache_files_free(struct cache_file *files, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		free(files[i].path);
		free(files[i].origin);
	}
	free(files);
}

/*
 * Renames a file of the database, or removes it if `to` is NULL. `end` is "" or the end
 * of a companion's name. Returns 0, also if there is no such file, or a negative errno.
 */
static int cache_files_move(const char *from, const char *to, const char *end)
{
	CLEANUP_FREE char *from_path = NULL;
	CLEANUP_FREE char *to_path = NULL;

	if (asprintf(&from_path, "%s%s", from, end) < 0) {
		from_path = NULL;
		return -ENOMEM;
	}
	if (to && asprintf(&to_path, "%s%s", to, end) < 0) {
		to_path = NULL;
		return -ENOMEM;
	}
	if ((to ? rename(from_path, to_path) : unlink(from_path)) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/*
 * Renames or removes a database with its companions, under the lock that mounts take to
 * open one. The journal is moved first: it must never lie beside another database.
 */
static int cache_files_move_all(const char *from, const char *to)
{
	struct db_file place = {0};
	int err = db_file_init(&place, from);

	if (err)
		return err;

	int lock = db_file_lock(&place);

	CLEANUP_CLOSE int marker = cache_files_open_marker(from);

	if (lock < 0 || cache_files_is_in_use(marker) || (to && access(to, F_OK) == 0))
		err = -EBUSY;
	/* On a network filesystem there is no marker, so the file may be in use. */
	if (to && marker < 0)
		err = -EBUSY;
	for (size_t i = 0; !err && i < ARRAY_SIZE(companions); i++)
		err = cache_files_move(from, to, companions[i]);
	if (!err)
		err = cache_files_move(from, to, "");
	db_file_unlock(lock);
	db_file_done(&place);
	return err;
}

int cache_files_remove(const char *path)
{
	return cache_files_move_all(path, NULL);
}

/* Returns the directory of a database file. The caller frees it. */
static char *cache_files_directory(const char *path)
{
	return strndup(path, (size_t)(strrchr(path, '/') - path));
}

bool cache_files_may_adopt(const char *path)
{
	CLEANUP_FREE char *directory = cache_files_directory(path);
	CLEANUP(cache_files_cleanup_dir)
	DIR *dir = directory && access(path, F_OK) < 0 ? opendir(directory) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (cache_files_ends_with(entry->d_name, ".db"))
			return true;
	return false;
}

/* True if the database contains one of the jobs. */
static bool cache_files_has_job(const char *path, const char *const *ids, size_t len)
{
	static const char sql[] = "SELECT 1 FROM jobs WHERE ino = ?1 AND id = ?2";
	CLEANUP(cache_files_cleanup_db) sqlite3 *db = NULL;
	CLEANUP(cache_files_cleanup_statement) sqlite3_stmt *job = NULL;
	bool found = false;

	if (cache_files_open_db(path, &db) != SQLITE_OK ||
		sqlite3_prepare_v2(db, sql, -1, &job, NULL) != SQLITE_OK)
		return false;
	for (size_t i = 0; !found && i < len; i++) {
		sqlite3_bind_int64(job, 1, (int64_t)job_ino(ids[i]));
		sqlite3_bind_text(job, 2, ids[i], -1, SQLITE_STATIC);
		found = sqlite3_step(job) == SQLITE_ROW;
		sqlite3_reset(job);
	}
	return found;
}

void cache_files_adopt(const char *path, const char *origin, const char *const *ids,
	size_t len, const struct log *log)
{
	CLEANUP_FREE char *directory = cache_files_directory(path);
	struct cache_file *files;
	size_t files_len;

	if (!directory || !cache_files_may_adopt(path) ||
		cache_files_list(directory, &files, &files_len))
		return;
	for (size_t i = 0; i < files_len; i++) {
		if (!cache_files_ends_with(files[i].path, ".db") || files[i].in_use ||
			(files[i].origin && strcmp(files[i].origin, origin) != 0) ||
			!cache_files_has_job(files[i].path, ids, len))
			continue;

		int err = cache_files_move_all(files[i].path, path);

		if (!err)
			log_notice(log,
				"using the cache of the same account's earlier key (%s "
				"is now %s)",
				files[i].path, path);
		break;
	}
	cache_files_free(files, files_len);
}
