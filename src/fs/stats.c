/* SPDX-License-Identifier: MIT */
#include "stats.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/malloc_tuning.h"
#include "internal.h"
#include "sync/listing.h"
#include "json/pretty_print.h"

/* At most this many incomplete listings are reported. */
enum { LOOKS_MAX = 64, PATH_BYTES_MAX = 4096 };

/* Names of the messages that are counted, by opcode. */
static const char *const kinds[CONTROL_KINDS] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_INIT] = "init",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",
	[FUSE_GETLK] = "getlk",
	[FUSE_SETLK] = "setlk",
	[FUSE_SETLKW] = "setlkw",
	[FUSE_ACCESS] = "access",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_BMAP] = "bmap",
	[FUSE_DESTROY] = "destroy",
	[FUSE_IOCTL] = "ioctl",
	[FUSE_POLL] = "poll",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range",
};

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

static void cleanup_json_text(char **text)
{
	cJSON_free(*text);
}

/* Adds a number. If memory is short, it is left out: cJSON accepts NULL everywhere. */
static void put(cJSON *object, const char *name, uint64_t number)
{
	cJSON_AddNumberToObject(object, name, (double)number);
}

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void put_times(cJSON *object, const char *name, const struct histogram *times)
{
	cJSON *to = cJSON_AddObjectToObject(object, name);

	put(to, "p50", (uint64_t)histogram_percentile(times, 50));
	put(to, "p90", (uint64_t)histogram_percentile(times, 90));
	put(to, "p99", (uint64_t)histogram_percentile(times, 99));
	put(to, "max", (uint64_t)times->max_ms);
}

static void put_requests(cJSON *root, const struct fs *fs)
{
	cJSON *requests = cJSON_AddObjectToObject(root, "requests");
	cJSON *answers;
	struct sync_stats stats;

	sync_stats(fs->sync, &stats);
	put(requests, "sent", stats.api.requests);
	answers = cJSON_AddObjectToObject(requests, "answers");
	for (unsigned i = 0; i < stats.api.statuses_len; i++) {
		const struct api_status *status = &stats.api.statuses[i];
		char name[24];

		(void)snprintf(name, sizeof(name), "%ld", status->status);
		put(answers, status->status ? name : "other", status->answers);
	}
	put(requests, "failed", stats.api.failed);
	put(requests, "retries", stats.api.retries);
	put(requests, "bytes", stats.api.bytes);
	put_times(requests, "latency_ms", &stats.api.latency);
	put(requests, "under_way", stats.api.calls);
	put(requests, "under_way_by_id", stats.by_id);
	cJSON_AddNumberToObject(requests, "slowed_seconds", seconds(stats.api.slowed_ms));
}

static void put_deletes(cJSON *root, const struct fs *fs)
{
	cJSON *deletes = cJSON_AddObjectToObject(root, "deletes");
	struct sync_stats stats;

	sync_stats(fs->sync, &stats);
	put(deletes, "done", stats.deletes.done);
	put(deletes, "not_found", stats.deletes.not_found);
	put(deletes, "failed", stats.deletes.failed);
	put(deletes, "under_way", stats.deletes.under_way);
}

static void put_cache(cJSON *root, const struct fs *fs)
{
	cJSON *cache = cJSON_AddObjectToObject(root, "cache");
	uint64_t waiting = 0;

	list_for_each (link, &fs->parked)
		waiting++;
	put(cache, "hits", fs->counts.hits);
	put(cache, "waits", fs->counts.waits);
	put(cache, "failed", fs->counts.failed);
	put(cache, "waiting", waiting);
	put_times(cache, "wait_ms", &fs->counts.wait);
	put(cache, "locked_ms", (uint64_t)catalog_waited_ms(fs->catalog));
}

static void put_messages(cJSON *root, const struct fs *fs)
{
	cJSON *messages = cJSON_AddObjectToObject(root, "messages");
	uint64_t others = 0;

	for (unsigned i = 0; i < CONTROL_KINDS; i++) {
		if (!kinds[i])
			others += fs->counts.messages[i];
		else if (fs->counts.messages[i])
			put(messages, kinds[i], fs->counts.messages[i]);
	}
	if (others)
		put(messages, "other", others);
}

static void put_jobs(cJSON *root, const struct fs *fs)
{
	cJSON *jobs = cJSON_AddObjectToObject(root, "jobs");
	struct catalog_totals totals;

	catalog_totals(fs->catalog, &totals);
	put(jobs, "known", totals.jobs);
	put(jobs, "bytes", totals.bytes);
}

static void put_memory(cJSON *root)
{
	cJSON *memory = cJSON_AddObjectToObject(root, "memory");

	put(memory, "in_use", heap_in_use());
}

/*
 * Context of put_look(). A directory can be open more than once, but each listing is
 * reported once.
 */
struct looks {
	struct fs *fs;
	cJSON *array;
	unsigned len;
	uint64_t ids[LOOKS_MAX];
};

static bool is_new(struct looks *looks, const struct listing *listing)
{
	uint64_t id = listing_id(listing);

	if (looks->len == LOOKS_MAX)
		return false;
	for (unsigned i = 0; i < looks->len; i++)
		if (looks->ids[i] == id)
			return false;
	looks->ids[looks->len++] = id;
	return true;
}

static void put_look(void *ctx, const struct dir *dir, struct listing *listing)
{
	struct looks *looks = ctx;
	CLEANUP(buf_done) struct buf path;
	int64_t age_ms = listing_age_ms(listing);
	size_t len = listing_len(listing);
	cJSON *look;

	buf_init(&path, PATH_BYTES_MAX);
	if (listing_is_complete(listing) || !is_new(looks, listing))
		return;
	look = cJSON_CreateObject();
	if (!cJSON_AddItemToArray(looks->array, look)) {
		cJSON_Delete(look);
		return;
	}
	cJSON_AddStringToObject(
		look, "path", dirs_path(&looks->fs->dirs, dir, &path) ? "?" : path.data);
	put(look, "names", len);
	cJSON_AddNumberToObject(look, "seconds", seconds(age_ms));
	put(look, "names_per_second",
		age_ms > 0 ? (uint64_t)len * 1000 / (uint64_t)age_ms : 0);
	cJSON_AddBoolToObject(
		look, "waited_for", !wait_queue_empty(listing_queue(listing)));
}

static void put_looks(cJSON *root, struct fs *fs)
{
	struct looks looks = {.fs = fs, .array = cJSON_AddArrayToObject(root, "looks")};

	dir_each_listing(fs, put_look, &looks);
}

int control_print_stats(struct fs *fs, struct buf *out)
{
	CLEANUP(cleanup_json) cJSON *root = cJSON_CreateObject();
	CLEANUP(cleanup_json_text) char *text = NULL;
	int64_t age_ms = loop_now_ms(fs->loop) - fs->began_ms;
	struct json_error error;

	cJSON_AddStringToObject(root, "version", GLADIAFS_VERSION);
	cJSON_AddNumberToObject(root, "seconds", seconds(age_ms));
	put_requests(root, fs);
	put_deletes(root, fs);
	put_cache(root, fs);
	put_messages(root, fs);
	put_jobs(root, fs);
	put_memory(root);
	put_looks(root, fs);
	text = root ? cJSON_PrintUnformatted(root) : NULL;
	if (!text)
		return -ENOMEM;
	return json_print(text, strlen(text), out, NULL, &error) ? -EIO : 0;
}
