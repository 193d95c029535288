/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gladia/attributes.h"
#include "rendition.h"
#include "request.h"

/*
 * Extended attributes of jobs' files (SEMANTICS 5.5), read from the jobs' texts and
 * facts. Without -o xattr we reply ENOSYS, and the kernel sends no more of these
 * requests.
 */
static const char prefix[] = "user.gladia.";

enum { PREFIX_LEN = sizeof(prefix) - 1, NAMES_MAX = 1 << 10 };

/* Where the attributes of a job are read from. */
struct xattr_source {
	struct json_slice values[JOB_ATTRIBUTES_IN_TEXT];
	struct job_facts facts;
};

/* Prints an attribute as job_attribute_print() does. */
static int xattr_print(
	const struct xattr_source *source, int attribute, struct buf *ret_value)
{
	const char *fact;

	if (attribute < JOB_ATTRIBUTES_IN_TEXT)
		return job_attribute_print(source->values[attribute], ret_value);
	fact = job_fact(&source->facts, job_attribute_fact(attribute));
	if (!*fact)
		return -ENODATA;
	buf_init(ret_value, JOB_ATTRIBUTE_MAX);
	return buf_append_str(ret_value, fact);
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

/* Replies with the names of those attributes that can be printed. */
static int xattr_reply_names(
	const struct request *request, const struct xattr_source *source)
{
	CLEANUP(buf_done) struct buf names;
	int err = 0;

	buf_init(&names, NAMES_MAX);
	for (int i = 0; !err && i < JOB_ATTRIBUTES; i++) {
		struct buf value;

		err = xattr_print(source, i, &value);
		if (!err) {
			buf_done(&value);
			err = buf_printf(&names, "%s%s", prefix, job_attribute_name(i));
		}
		if (!err)
			err = buf_append(&names, "", 1);
		if (err == -ENODATA)
			err = 0;
	}
	return err ? err : xattr_reply(request, names.data, names.len);
}

static int xattr_reply_value(
	const struct request *request, const struct xattr_source *source)
{
	struct buf value;
	int err = xattr_print(
		source, job_attribute_find(request->name + PREFIX_LEN), &value);

	if (err)
		return err;
	err = xattr_reply(request, value.data, value.len);
	buf_done(&value);
	return err;
}

/* Handles getxattr(2) if the request has a name, else listxattr(2). */
static int xattr_handle(struct request *request)
{
	struct fs *fs = request->fs;
	struct xattr_source source;
	CLEANUP_FREE char *text = NULL;
	struct catalog_job job;
	size_t len;
	int err = jobs_by_node(
		fs->catalog, request->ino & ~(uint64_t)JOB_FILES_MASK, &job);

	if (!err)
		err = jobs_facts(fs->catalog, job.row, &source.facts);
	if (!err)
		err = file_read_text(fs, &job, 0, SIZE_MAX, &text, &len);
	if (err == -ENODATA)
		return request_want_job(request, job.job.id);
	if (err)
		return err;
	job_attributes_read(text, len, source.values);
	return request->name[0] ? xattr_reply_value(request, &source)
				: xattr_reply_names(request, &source);
}

static void xattr_start(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	request_start(req, name,
		&(struct request){.handle = xattr_handle, .ino = ino, .size = size});
}

/* True for a job's file in any format. Nothing else has extended attributes. */
static bool xattr_may_have(struct fs *fs, fuse_ino_t ino)
{
	return !directories_find(&fs->directories, ino) && !snapshot_is_node(ino);
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
