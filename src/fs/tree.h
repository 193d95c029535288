/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "gladia/filename.h"
#include "gladia/query.h"
#include "render/render.h"

/*
 * The grammar of the tree (SEMANTICS 3): which names a directory can have, and which
 * query each name means. Pure functions that use neither the catalog nor the API.
 */
enum tree_kind {
	TREE_ROOT,
	TREE_JOBS,   /* the jobs of a query: all/, or a value of a filter */
	TREE_STATUS, /* a filter; its values are directories of jobs */
	TREE_DATE,
	TREE_AFTER,
	TREE_BEFORE,
	TREE_METADATA, /* its values are keys (TREE_KEY) */
	TREE_KEY,      /* a filter by one key of the metadata */
	TREE_CONTROL,  /* .gladiafs/; control.c makes its files */
};

struct tree_dir {
	enum tree_kind kind;
	struct query query;
};

/* Kinds of entries that a directory shows besides "." and "..". */
enum tree_shows {
	TREE_SHOWS_NAMES,
	TREE_SHOWS_DAYS,
	TREE_SHOWS_KEYS,
	TREE_SHOWS_VALUES,
	TREE_SHOWS_JOBS,
};

struct tree_entry {
	bool is_job;
	struct tree_dir dir;             /* if it is a directory */
	enum format format;              /* if it is a job */
	char id[FILENAME_BYTES_MAX + 1]; /* if it is a job */
};

/* Fills in the root directory. */
void tree_root(struct tree_dir *ret_root);

enum tree_shows tree_shows(const struct tree_dir *dir);

/*
 * Returns the fixed name at `index` of a TREE_SHOWS_NAMES directory, or NULL past the
 * last.
 */
const char *tree_name(const struct tree_dir *dir, size_t index);

/*
 * Resolves `name` in `dir`. A job's name is only parsed: the catalog and the API know
 * whether there is such a job and whether it belongs here.
 *
 * Returns 0, -ENOENT if no such name can exist (SEMANTICS 3.3), or -ENAMETOOLONG.
 */
int tree_resolve(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry);
