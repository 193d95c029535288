/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "request.h"
#include "sync/single.h"

/* Told once that OPEN means nothing here, the kernel asks no more and keeps content. */
void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	(void)ino;
	(void)info;
	fuse_reply_err(req, ENOSYS);
}

/* Its text was let go (SPEC 7.4): it has to be fetched once more. */
static void fetch_again(struct request *request, const struct catalog_job *job)
{
	struct wait_queue *queue;
	int err = request->asked ? -EIO : 0;

	if (!err)
		err = single_want(request->fs->sync, job->job.id, &queue);
	if (err) {
		request_fail(request, err);
		return;
	}
	request->asked = true;
	request_park(request, queue);
}

static void handle_read(struct request *request)
{
	struct catalog *catalog = request->fs->catalog;
	CLEANUP_FREE char *data = NULL;
	struct catalog_job job;
	size_t len = 0;
	int err = jobs_by_node(catalog, request->ino, &job);

	if (err) {
		request_fail(request, err);
		return;
	}
	data = malloc(request->size + !request->size);
	if (!data)
		err = -ENOMEM;
	else
		err = bodies_read(
			catalog, &job, request->offset, data, request->size, &len);
	if (err == -ENODATA) {
		fetch_again(request, &job);
		return;
	}
	if (err) {
		request_fail(request, err);
		return;
	}
	fuse_reply_buf(request->req, data, len);
	request_free(request);
}

void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	struct request *request = request_new(req, handle_read);

	(void)info;
	if (!request)
		return;
	request->ino = ino;
	request->size = size;
	request->offset = (uint64_t)offset;
	request_run(request);
}
