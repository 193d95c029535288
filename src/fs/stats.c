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
enum { REFRESHES_MAX = 64, PATH_BYTES_MAX = 4096 };

/* Names of the messages that are counted. */
static const char *const opcodes[STATS_OPCODES] = {
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

const char *stats_message_name(uint32_t opcode)
{
	return opcode < STATS_OPCODES ? opcodes[opcode] : NULL;
}

void stats_count(struct counts *counts, uint32_t opcode)
{
	if (opcode < STATS_OPCODES)
		counts->messages[opcode]++;
}

DEFINE_CLEANUP(stats_cleanup_json, cJSON *, cJSON_Delete)
DEFINE_CLEANUP(stats_cleanup_json_text, char *, cJSON_free)

/* Adds a number. If memory is short, it is left out: cJSON accepts NULL everywhere. */
static void stats_put(cJSON *object, const char *name, uint64_t number)
{
	cJSON_AddNumberToObject(object, name, (double)number);
}

static double stats_seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void stats_put_times(
	cJSON *object, const char *name, const struct histogram *times)
{
	cJSON *to = cJSON_AddObjectToObject(object, name);

	stats_put(to, "p50", (uint64_t)histogram_percentile(times, 50));
	stats_put(to, "p90", (uint64_t)histogram_percentile(times, 90));
	stats_put(to, "p99", (uint64_t)histogram_percentile(times, 99));
	stats_put(to, "max", (uint64_t)times->max_ms);
}

static void stats_put_requests(cJSON *root, const struct fs *fs)
{
	cJSON *requests = cJSON_AddObjectToObject(root, "requests");
	cJSON *responses;
	struct sync_stats stats;

	sync_stats(fs->sync, &stats);
	stats_put(requests, "sent", stats.api.requests);
	responses = cJSON_AddObjectToObject(requests, "responses");
	for (unsigned i = 0; i < stats.api.statuses_len; i++) {
		const struct api_status *status = &stats.api.statuses[i];
		char name[24];

		(void)snprintf(name, sizeof(name), "%ld", status->status);
		stats_put(responses, status->status ? name : "other", status->responses);
	}
	stats_put(requests, "failed", stats.api.failed);
	stats_put(requests, "retries", stats.api.retries);
	stats_put(requests, "bytes", stats.api.bytes);
	stats_put_times(requests, "latency_ms", &stats.api.latency);
	stats_put(requests, "under_way", stats.api.calls);
	stats_put(requests, "under_way_by_id", stats.by_id);
	cJSON_AddNumberToObject(
		requests, "slowed_seconds", stats_seconds(stats.api.slowed_ms));
}

static void stats_put_deletes(cJSON *root, const struct fs *fs)
{
	cJSON *deletes = cJSON_AddObjectToObject(root, "deletes");
	struct sync_stats stats;

	sync_stats(fs->sync, &stats);
	stats_put(deletes, "done", stats.deletes.done);
	stats_put(deletes, "not_found", stats.deletes.not_found);
	stats_put(deletes, "failed", stats.deletes.failed);
	stats_put(deletes, "under_way", stats.deletes.under_way);
}

static void stats_put_cache(cJSON *root, const struct fs *fs)
{
	cJSON *cache = cJSON_AddObjectToObject(root, "cache");
	uint64_t waiting = 0;

	list_for_each (link, &fs->parked)
		waiting++;
	stats_put(cache, "hits", fs->counts.hits);
	stats_put(cache, "waits", fs->counts.waits);
	stats_put(cache, "failed", fs->counts.failed);
	stats_put(cache, "waiting", waiting);
	stats_put_times(cache, "wait_ms", &fs->counts.wait);
	stats_put(cache, "locked_ms", (uint64_t)catalog_waited_ms(fs->catalog));
	stats_put(cache, "dropped_ms", (uint64_t)catalog_dropped_ms(fs->catalog));
	cJSON_AddBoolToObject(cache, "unsaved", catalog_is_unsaved(fs->catalog));
}

static void stats_put_messages(cJSON *root, const struct fs *fs)
{
	cJSON *messages = cJSON_AddObjectToObject(root, "messages");
	uint64_t others = 0;

	for (unsigned i = 0; i < STATS_OPCODES; i++) {
		if (!opcodes[i])
			others += fs->counts.messages[i];
		else if (fs->counts.messages[i])
			stats_put(messages, opcodes[i], fs->counts.messages[i]);
	}
	if (others)
		stats_put(messages, "other", others);
}

static void stats_put_jobs(cJSON *root, const struct fs *fs)
{
	cJSON *jobs = cJSON_AddObjectToObject(root, "jobs");
	struct catalog_totals totals;

	catalog_totals(fs->catalog, &totals);
	stats_put(jobs, "known", totals.jobs);
	stats_put(jobs, "bytes", totals.bytes);
}

static void stats_put_memory(cJSON *root)
{
	cJSON *memory = cJSON_AddObjectToObject(root, "memory");

	stats_put(memory, "in_use", malloc_in_use());
}

/*
 * Context of stats_put_refresh(). A directory can be open more than once, but each
 * listing is reported once.
 */
struct refreshes {
	struct fs *fs;
	cJSON *array;
	unsigned len;
	uint64_t ids[REFRESHES_MAX];
};

static bool stats_is_new(struct refreshes *refreshes, const struct listing *listing)
{
	uint64_t id = listing_id(listing);

	if (refreshes->len == REFRESHES_MAX)
		return false;
	for (unsigned i = 0; i < refreshes->len; i++)
		if (refreshes->ids[i] == id)
			return false;
	refreshes->ids[refreshes->len++] = id;
	return true;
}

static void stats_put_refresh(void *ctx, const struct dir *dir, struct listing *listing)
{
	struct refreshes *refreshes = ctx;
	CLEANUP(buf_done) struct buf path;
	int64_t age_ms = listing_age_ms(listing);
	size_t len = listing_len(listing);
	cJSON *refresh;

	buf_init(&path, PATH_BYTES_MAX);
	if (listing_is_complete(listing) || !stats_is_new(refreshes, listing))
		return;
	refresh = cJSON_CreateObject();
	if (!cJSON_AddItemToArray(refreshes->array, refresh)) {
		cJSON_Delete(refresh);
		return;
	}
	cJSON_AddStringToObject(refresh, "path",
		directories_path(&refreshes->fs->directories, dir, &path) ? "?"
									  : path.data);
	stats_put(refresh, "names", len);
	cJSON_AddNumberToObject(refresh, "seconds", stats_seconds(age_ms));
	stats_put(refresh, "names_per_second",
		age_ms > 0 ? (uint64_t)len * 1000 / (uint64_t)age_ms : 0);
	cJSON_AddBoolToObject(
		refresh, "waited_for", !wait_queue_empty(listing_queue(listing)));
}

static void stats_put_refreshes(cJSON *root, struct fs *fs)
{
	struct refreshes refreshes = {
		.fs = fs, .array = cJSON_AddArrayToObject(root, "refreshes")};

	dir_each_listing(fs, stats_put_refresh, &refreshes);
}

int stats_print(struct fs *fs, struct buf *out)
{
	CLEANUP(stats_cleanup_json) cJSON *root = cJSON_CreateObject();
	CLEANUP(stats_cleanup_json_text) char *text = NULL;
	int64_t age_ms = loop_now_ms(fs->loop) - fs->began_ms;
	struct json_error error;

	cJSON_AddStringToObject(root, "version", GLADIAFS_VERSION);
	cJSON_AddNumberToObject(root, "seconds", stats_seconds(age_ms));
	stats_put_requests(root, fs);
	stats_put_deletes(root, fs);
	stats_put_cache(root, fs);
	stats_put_messages(root, fs);
	stats_put_jobs(root, fs);
	stats_put_memory(root);
	stats_put_refreshes(root, fs);
	text = root ? cJSON_PrintUnformatted(root) : NULL;
	if (!text)
		return -ENOMEM;
	return json_print(text, strlen(text), out, NULL, &error) ? -EIO : 0;
}
