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

/*
 * How a directory names its jobs and which formats it lists: after their ids, or after
 * their recordings (gladia/view_name.h). Every directory below has the same view.
 */
enum tree_view {
	TREE_IDS,       /* the formats of formats= */
	TREE_TEXT,      /* text/ */
	TREE_SUBTITLES, /* subtitles/ */
};

struct tree_dir {
	enum tree_kind kind;
	enum tree_view view;
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

/*
 * A name means a directory, or a file of a job: STEM.FORMAT or STEM.LANGUAGE.FORMAT, if
 * the stem is also that of a translation. Only the catalog knows which of both it is.
 */
struct tree_entry {
	bool is_job;
	struct tree_dir dir; /* if it is a directory */
	enum format format;  /* if it is a job */
	/*
	 * If it is a job: the name without its format, unescaped in a directory of
	 * TREE_IDS, as it is in others.
	 */
	char stem[FILENAME_BYTES_MAX + 1];
	/* The length of the stem without a language, or 0 if it cannot have one. */
	size_t language_at;
};

/* Fills in the root directory. */
void tree_root(struct tree_dir *ret_root);

enum tree_shows tree_shows(const struct tree_dir *dir);

/* True if the directory names jobs after their recordings. */
bool tree_is_by_name(const struct tree_dir *dir);

/*
 * Returns the formats that the directory lists for each job, one bit for each enum
 * format. `chosen` are those of formats=.
 */
unsigned tree_formats(const struct tree_dir *dir, unsigned chosen);

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
