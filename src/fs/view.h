/* SPDX-License-Identifier: MIT */
#pragma once

#include "job_file.h"
#include "request.h"

/*
 * Looks up a name in a view that no known job has: a job that the catalog does not know
 * yet, or a name without "~ID", which is a symbolic link to the newest job of that name
 * (SEMANTICS 3.7). Reads the listing of the directory as far as it is necessary.
 *
 * Returns 0 after it has found the job (`file->known`) or replied, -EAGAIN after it has
 * parked the request, or another negative errno.
 */
int view_lookup(struct request *request, const struct dir *dir,
	const struct tree_entry *entry, struct job_file *file);
