/* SPDX-License-Identifier: MIT */
/*
 * gladiafs --fetch: reads the directories and queues the job files in them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fetch_internal.h"

/* We read this format only, because the others are renditions of the same text. */
static const char suffix[] = ".json";

/* The directory that we read if given a root, which contains each job several times. */
static const char whole[] = "all";

/* Maximum depth below a given directory; the tree of a mount is less deep. */
enum { DEPTH_MAX = 8 };

DEFINE_CLEANUP(fetch_list_cleanup_dir, DIR *, closedir)

static bool fetch_list_is_job(const char *name)
{
	size_t len = strlen(name);
	size_t suffix_len = sizeof(suffix) - 1;

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/*
 * Queues a file, waiting for room in the queue. Returns false if the fetch was given up,
 * so that listing should stop.
 */
static bool fetch_list_add_file(
	struct fetch *fetch, const struct refresh_target *root, const char *path)
{
	size_t size = strlen(path) + 1;
	struct fetch_file *file = malloc(sizeof(*file) + size);
	bool wanted;

	if (!file) {
		fetch_failed(fetch, root, path, false, -ENOMEM);
		return true;
	}
	file->root = root;
	memcpy(file->path, path, size);
	pthread_mutex_lock(&fetch->lock);
	while (fetch->queue_len >= FETCH_QUEUE_MAX && !fetch->given_up)
		pthread_cond_wait(&fetch->room, &fetch->lock);
	wanted = !fetch->given_up;
	if (wanted) {
		list_append(&fetch->queue, &file->link);
		fetch->queue_len++;
		fetch->counts.found++;
		pthread_cond_signal(&fetch->news);
	}
	pthread_mutex_unlock(&fetch->lock);
	if (!wanted)
		free(file);
	return wanted;
}

/* Opens the directory `path` below `root`. Returns 0 or a negative errno. */
static int fetch_list_open_dir(
	const struct refresh_target *root, const char *path, DIR **ret_dir)
{
	int fd = openat(root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_dir = fdopendir(fd);
	if (*ret_dir)
		return 0;
	close(fd);
	return -ENOMEM;
}

/*
 * Reads the next entry whose name does not begin with a dot. Sets *ret_entry to NULL at
 * the end of the directory. Returns 0, or the error of readdir(3) as a negative errno.
 */
static int fetch_list_next_entry(DIR *dir, struct dirent **ret_entry)
{
	do {
		errno = 0;
		*ret_entry = readdir(dir);
		if (!*ret_entry)
			return -errno;
	} while ((*ret_entry)->d_name[0] == '.');
	return 0;
}

/*
 * Queues the job files of a directory, then lists the directories in it, up to `depth`
 * levels deep. Returns false if the fetch was given up.
 */
static bool fetch_list_list_dir(struct fetch *fetch, const struct refresh_target *root,
	const char *path, int depth)
{
	CLEANUP(fetch_list_cleanup_dir) DIR *dir = NULL;
	CLEANUP(buf_done) struct buf below;
	struct dirent *entry = NULL;
	bool wanted = true;
	int err = fetch_list_open_dir(root, path, &dir);

	buf_init(&below, UINT32_MAX);
	while (dir && wanted && !err && !(err = fetch_list_next_entry(dir, &entry)) &&
		entry) {
		char name[FETCH_PATH_MAX];
		int len = snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "",
			entry->d_name);

		if (len >= FETCH_PATH_MAX)
			err = -ENAMETOOLONG;
		else if (entry->d_type == DT_DIR)
			err = buf_append(&below, name, (size_t)len + 1);
		else if (fetch_list_is_job(entry->d_name))
			wanted = fetch_list_add_file(fetch, root, name);
	}
	if (err)
		fetch_failed(fetch, root, path, true, err);
	for (size_t at = 0; wanted && depth && at < below.len;
		at += strlen(below.data + at) + 1)
		wanted = fetch_list_list_dir(fetch, root, below.data + at, depth - 1);
	return wanted;
}

void *fetch_list(void *ctx)
{
	struct fetch *fetch = ctx;
	bool wanted = true;

	for (size_t i = 0; wanted && i < fetch->roots_len; i++) {
		const struct refresh_target *root = &fetch->roots[i];

		if (root->name)
			wanted = fetch_list_add_file(fetch, root, root->name);
		else
			wanted = fetch_list_list_dir(
				fetch, root, root->is_root ? whole : "", DEPTH_MAX);
	}
	pthread_mutex_lock(&fetch->lock);
	fetch->counts.listed = true;
	fetch->working--;
	pthread_cond_broadcast(&fetch->news);
	pthread_mutex_unlock(&fetch->lock);
	return NULL;
}
