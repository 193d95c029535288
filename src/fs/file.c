/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "request.h"

/*
 * Handles READ: reads a job's JSON text from the catalog, and passes on reads of files in
 * other formats and of files in .gladiafs/.
 */

/*
 * Reads as many of the requested bytes as there are, possibly none. Returns 0, -ENODATA
 * if the job's text has to be fetched, or another negative errno. The data was allocated
 * with malloc(); the caller frees it.
 */
static int file_read_text(const struct request *request, const struct catalog_job *job,
	char **ret_data, size_t *ret_len)
{
	if (job->size < 0)
		return -ENODATA;

	uint64_t size = (uint64_t)job->size;
	uint64_t left = request->offset < size ? size - request->offset : 0;
	size_t len = left < request->size ? (size_t)left : request->size;
	char *data = malloc(len + !len);
	int err = data ? 0 : -ENOMEM;

	if (!err && len)
		err = texts_read(
			request->fs->catalog, job, request->offset, data, len, &len);
	if (err) {
		free(data);
		return err;
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

static void file_handle_read(struct request *request)
{
	CLEANUP_FREE char *data = NULL;
	struct catalog *catalog = request->fs->catalog;
	struct catalog_job job;
	size_t len;

	catalog_read_begin(catalog);

	int err = jobs_by_node(catalog, request->ino, &job);

	if (!err)
		err = file_read_text(request, &job, &data, &len);
	catalog_read_end(catalog);
	if (err == -ENODATA) {
		/* The text was evicted (SEMANTICS 7.4): fetch it again. */
		request_want_job(request, job.job.id);
		return;
	}
	if (err) {
		request_fail(request, err);
		return;
	}
	fuse_reply_buf(request->req, data, len);

	struct fs *fs = request->fs;
	bool from_start = request->offset == 0;

	request_free(request);
	if (from_start)
		prefetch_read(fs, &job);
}

void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	struct request *request = request_new(req, control_is_node(ino) ? control_read
						   : rendition_format(ino)
							   ? rendition_read
							   : file_handle_read);

	(void)info;
	if (!request)
		return;
	request->ino = ino;
	request->size = size;
	request->offset = (uint64_t)offset;
	request_run(request);
}
