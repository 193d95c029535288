/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "request.h"
#include "sync/job_fetch.h"

/*
 * Handles READ: reads a job's JSON text from the catalog, and passes on reads of files in
 * other formats and of snapshots. Handles READLINK.
 */

int file_read_text(const struct fs *fs, const struct catalog_job *job, uint64_t offset,
	size_t size, char **ret_data, size_t *ret_len)
{
	if (job->size < 0)
		return -ENODATA;

	size_t len = request_part_len(offset, size, (uint64_t)job->size);
	char *data = malloc(len + !len);
	int err = data ? 0 : -ENOMEM;

	if (!err && len)
		err = texts_read(fs->catalog, job, offset, data, len, &len);
	if (err) {
		free(data);
		return err;
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

static int file_handle_read(struct request *request)
{
	CLEANUP_FREE char *data = NULL;
	struct catalog *catalog = request->fs->catalog;
	struct catalog_job job;
	size_t len;

	catalog_read_begin(catalog);

	int err = jobs_by_node(catalog, request->ino, &job);

	if (!err)
		err = file_read_text(
			request->fs, &job, request->offset, request->size, &data, &len);
	catalog_read_end(catalog);
	if (err == -ENODATA)
		return request_want_text(request, &job);
	if (err)
		return err;
	fuse_reply_buf(request->req, data, len);
	if (request->offset == 0)
		prefetch_read(request->fs, &job, FORMAT_JSON);
	if (request->offset + len == (uint64_t)job.size)
		job_fetch_was_read(request->fs->sync, job.row);
	return 0;
}

void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	(void)info;
	request_start(req, "",
		&(struct request){
			.handle = snapshot_is_node(ino)      ? snapshot_read
				  : rendition_is_number(ino) ? rendition_read
							     : file_handle_read,
			.ino = ino,
			.size = size,
			.offset = (uint64_t)offset,
		});
}

void fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	/* The kernel sends this only for a symbolic link, and all of these are snapshots.
	 */
	request_start(
		req, "", &(struct request){.handle = snapshot_readlink, .ino = ino});
}
