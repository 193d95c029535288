/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "control.h"

/* In the root; it can be looked up, but is not listed (SEMANTICS 3.1). */
static const char control_name[] = ".gladiafs";

struct child {
	const char *name;
	enum tree_kind kind;
};

static const struct child root_children[] = {
	{"all", TREE_JOBS},
	{"status", TREE_STATUS},
	{"date", TREE_DATE},
	{"after", TREE_AFTER},
	{"before", TREE_BEFORE},
	{"metadata", TREE_METADATA},
	{0},
};

/* Filters below a directory of jobs: every name in the root except all/. */
static const struct child *const inner_children = root_children + 1;

static const struct child no_children[] = {{0}};

/* The grammar of the tree. The values of a filter are parsed by query_narrow(). */
static const struct rule {
	const struct child *children;
	enum tree_shows shows;
	bool has_jobs;
	bool has_values;
	enum query_filter filter;
	enum tree_kind value; /* kind of directory that a value is */
} rules[] = {
	[TREE_ROOT] = {root_children, TREE_SHOWS_NAMES, false, false, 0, 0},
	[TREE_JOBS] = {inner_children, TREE_SHOWS_JOBS, true, false, 0, 0},
	[TREE_STATUS] = {no_children, TREE_SHOWS_NAMES, false, true, QUERY_STATUS,
		TREE_JOBS},
	[TREE_DATE] = {no_children, TREE_SHOWS_DAYS, false, true, QUERY_DATE, TREE_JOBS},
	[TREE_AFTER] = {no_children, TREE_SHOWS_NAMES, false, true, QUERY_AFTER,
		TREE_JOBS},
	[TREE_BEFORE] = {no_children, TREE_SHOWS_NAMES, false, true, QUERY_BEFORE,
		TREE_JOBS},
	[TREE_METADATA] = {no_children, TREE_SHOWS_KEYS, false, true, QUERY_KEY,
		TREE_KEY},
	[TREE_KEY] = {no_children, TREE_SHOWS_VALUES, false, true, QUERY_VALUE,
		TREE_JOBS},
	[TREE_CONTROL] = {no_children, TREE_SHOWS_NAMES, false, false, 0, 0},
};

void tree_root(struct tree_dir *ret_root)
{
	ret_root->kind = TREE_ROOT;
	query_init(&ret_root->query);
}

enum tree_shows tree_shows(const struct tree_dir *dir)
{
	return rules[dir->kind].shows;
}

const char *tree_name(const struct tree_dir *dir, size_t index)
{
	enum { ROOT_NAMES = ARRAY_SIZE(root_children) - 1 };

	if (dir->kind == TREE_STATUS && index < JOB_STATUSES)
		return job_status_name((enum job_status)index);
	if (dir->kind == TREE_CONTROL)
		return control_file_name(index);
	if (dir->kind == TREE_ROOT && index < ROOT_NAMES)
		return root_children[index].name;
	return NULL;
}

static int tree_resolve_child(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry)
{
	for (const struct child *child = rules[dir->kind].children; child->name;
		child++) {
		if (strcmp(child->name, name) != 0)
			continue;
		ret_entry->is_job = false;
		ret_entry->dir = *dir;
		ret_entry->dir.kind = child->kind;
		return 0;
	}
	return -ENOENT;
}

static int tree_resolve_value(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry)
{
	const struct rule *rule = &rules[dir->kind];
	struct tree_dir made = {rule->value, dir->query};
	int err = query_narrow(&made.query, rule->filter, name);

	if (err)
		return err;
	ret_entry->is_job = false;
	ret_entry->dir = made;
	return 0;
}

static int tree_resolve_job(const char *name, struct tree_entry *ret_entry)
{
	const char *suffix = strrchr(name, '.');
	enum format format;
	char id[FILENAME_BYTES_MAX + 1];

	if (!suffix || format_find(suffix + 1, strlen(suffix + 1), &format) ||
		filename_unescape(name, (size_t)(suffix - name), FILENAME_WORD, id))
		return -ENOENT;
	ret_entry->is_job = true;
	ret_entry->format = format;
	strcpy(ret_entry->id, id);
	return 0;
}

int tree_resolve(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry)
{
	const struct rule *rule = &rules[dir->kind];

	if (strlen(name) > FILENAME_BYTES_MAX)
		return -ENAMETOOLONG;
	if (dir->kind == TREE_ROOT && strcmp(name, control_name) == 0) {
		ret_entry->is_job = false;
		ret_entry->dir = *dir;
		ret_entry->dir.kind = TREE_CONTROL;
		return 0;
	}
	if (rule->has_values)
		return tree_resolve_value(dir, name, ret_entry);

	int err = tree_resolve_child(dir, name, ret_entry);

	if (err && rule->has_jobs)
		err = tree_resolve_job(name, ret_entry);
	return err;
}
