/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "gladia/filename.h"
#include "gladia/query.h"
#include "render/render.h"

/*
 * The tree's grammar (SPEC 3): which names a directory can have, and which query each
 * stands for. Values and pure functions; asks nobody.
 */
enum tree_kind {
	TREE_ROOT,
	TREE_JOBS,   /* all, and what a filter's value names: the jobs of a query */
	TREE_STATUS, /* a filter, whose values are directories of jobs */
	TREE_DATE,
	TREE_AFTER,
	TREE_BEFORE,
	TREE_METADATA, /* its values are keys, */
	TREE_KEY,      /* of which each is a filter */
	TREE_CONTROL,  /* .gladiafs; its files are told by fs/control.c */
};

struct tree_dir {
	enum tree_kind kind;
	struct query query;
};

/* What readdir shows besides "." and "..". */
enum tree_shows {
	TREE_SHOWS_NAMES,
	TREE_SHOWS_DAYS,
	TREE_SHOWS_KEYS,
	TREE_SHOWS_VALUES,
	TREE_SHOWS_JOBS,
};

struct tree_entry {
	bool is_job;
	struct tree_dir dir;         /* of a directory */
	enum format format;          /* of a job */
	char id[NAME_BYTES_MAX + 1]; /* of a job */
};

void tree_root(struct tree_dir *ret_root);

enum tree_shows tree_shows(const struct tree_dir *dir);

/* The fixed names a directory of TREE_SHOWS_NAMES shows, in order; NULL past the last. */
const char *tree_name(const struct tree_dir *dir, size_t index);

/*
 * What `name` is in `dir`. 0, with a job only by its looks: whether there is one, and
 * whether it belongs here, the catalog and the API know. -ENOENT: there cannot be such a
 * thing (SPEC 3.3); -ENAMETOOLONG.
 */
int tree_resolve(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry);
