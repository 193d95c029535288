/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gladia/attributes.h"
#include "rendition.h"
#include "request.h"

/*
 * Extended attributes of jobs' files (SEMANTICS 5.5), read from their texts. Without -o
 * xattr we reply ENOSYS, and the kernel sends no more of these requests.
 */
static const char prefix[] = "user.gladia.";

enum { PREFIX_LEN = sizeof(prefix) - 1, CHUNK = 128 << 10, NAMES_MAX = 1 << 10 };

static int xattr_read_facts(
	struct fs *fs, const struct catalog_job *job, struct job_attributes *facts)
{
	CLEANUP_FREE char *chunk = malloc(CHUNK);
	uint64_t at = 0;
	size_t len = 1;
	int err = chunk ? 0 : -ENOMEM;

	while (!err && len) {
		err = texts_read(fs->catalog, job, at, chunk, CHUNK, &len);
		if (!err)
			err = job_attributes_feed(facts, chunk, len);
		at += len;
	}
	return err;
}

/*
 * Replies like getxattr(2): if the size is 0, only with the length. Returns 0, or -ERANGE
 * if the size is too small.
 */
static int xattr_reply(const struct request *request, const char *data, size_t len)
{
	if (!request->size)
		fuse_reply_xattr(request->req, len);
	else if (request->size < len)
		return -ERANGE;
	else
		fuse_reply_buf(request->req, data, len);
	return 0;
}

static int xattr_reply_names(
	const struct request *request, const struct job_attributes *facts)
{
	CLEANUP(buf_done) struct buf names;
	int err = 0;

	buf_init(&names, NAMES_MAX);
	for (int i = 0; !err && i < JOB_ATTRIBUTES; i++) {
		if (!job_attribute_is_there(facts, i))
			continue;
		err = buf_printf(&names, "%s%s", prefix, job_attribute_name(i));
		if (!err)
			err = buf_append(&names, "", 1);
	}
	return err ? err : xattr_reply(request, names.data, names.len);
}

static int xattr_reply_value(
	const struct request *request, const struct job_attributes *facts)
{
	int fact = job_attribute_find(request->name + PREFIX_LEN);

	if (fact < 0 || !job_attribute_is_there(facts, fact))
		return -ENODATA;
	return xattr_reply(request, facts->values[fact].data, facts->values[fact].len);
}

/* Handles getxattr(2) if the request has a name, else listxattr(2). */
static int xattr_handle(struct request *request)
{
	struct fs *fs = request->fs;
	CLEANUP(job_attributes_done) struct job_attributes facts;
	struct catalog_job job;
	int err = jobs_by_node(fs->catalog, request->ino, &job);

	job_attributes_init(&facts);
	if (!err)
		err = job.size < 0 ? -ENODATA : xattr_read_facts(fs, &job, &facts);
	if (err == -ENODATA)
		return request_want_job(request, job.job.id);
	if (err)
		return err;
	return request->name[0] ? xattr_reply_value(request, &facts)
				: xattr_reply_names(request, &facts);
}

static void xattr_start(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	request_start(req, name,
		&(struct request){.handle = xattr_handle, .ino = ino, .size = size});
}

/* True for a job's JSON file. Nothing else has extended attributes. */
static bool xattr_may_have(struct fs *fs, fuse_ino_t ino)
{
	return !directories_find(&fs->directories, ino) && !control_is_node(ino) &&
	       !rendition_format(ino);
}

void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs *fs = fuse_req_userdata(req);

	if (!fs->config.xattr)
		fuse_reply_err(req, ENOSYS);
	else if (!xattr_may_have(fs, ino) || strncmp(name, prefix, PREFIX_LEN) != 0 ||
		 job_attribute_find(name + PREFIX_LEN) < 0)
		fuse_reply_err(req, ENODATA);
	else
		xattr_start(req, ino, name, size);
}

void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fuse_req_userdata(req);

	if (!fs->config.xattr)
		fuse_reply_err(req, ENOSYS);
	else if (xattr_may_have(fs, ino))
		xattr_start(req, ino, "", size);
	else if (size)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_xattr(req, 0);
}
