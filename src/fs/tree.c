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
	enum tree_view view; /* if it is not TREE_IDS; its directory shows done jobs */
};

static const struct child root_children[] = {
	{"all", TREE_JOBS, TREE_IDS},
	{"status", TREE_STATUS, TREE_IDS},
	{"date", TREE_DATE, TREE_IDS},
	{"after", TREE_AFTER, TREE_IDS},
	{"before", TREE_BEFORE, TREE_IDS},
	{"metadata", TREE_METADATA, TREE_IDS},
	{"text", TREE_JOBS, TREE_TEXT},
	{"subtitles", TREE_JOBS, TREE_SUBTITLES},
	{0},
};

/* The filters, which are also below every directory of jobs. */
static const struct child inner_children[] = {
	{"status", TREE_STATUS, TREE_IDS},
	{"date", TREE_DATE, TREE_IDS},
	{"after", TREE_AFTER, TREE_IDS},
	{"before", TREE_BEFORE, TREE_IDS},
	{"metadata", TREE_METADATA, TREE_IDS},
	{0},
};

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
	ret_root->view = TREE_IDS;
	query_init(&ret_root->query);
}

enum tree_shows tree_shows(const struct tree_dir *dir)
{
	return rules[dir->kind].shows;
}

bool tree_is_by_name(const struct tree_dir *dir)
{
	return dir->view != TREE_IDS;
}

unsigned tree_formats(const struct tree_dir *dir, unsigned chosen)
{
	static const unsigned listed[] = {
		[TREE_TEXT] = 1u << FORMAT_TXT,
		[TREE_SUBTITLES] = 1u << FORMAT_SRT | 1u << FORMAT_VTT,
	};

	return tree_is_by_name(dir) ? listed[dir->view] : chosen;
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
		if (!child->view)
			return 0;
		ret_entry->dir.view = child->view;
		/* Only done jobs have texts. */
		return query_narrow(
			&ret_entry->dir.query, QUERY_STATUS, job_status_name(JOB_DONE));
	}
	return -ENOENT;
}

static int tree_resolve_value(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry)
{
	const struct rule *rule = &rules[dir->kind];
	struct tree_dir made = {rule->value, dir->view, dir->query};
	int err = query_narrow(&made.query, rule->filter, name);

	if (err)
		return err;
	ret_entry->is_job = false;
	ret_entry->dir = made;
	return 0;
}

/* Returns the length of a stem without ".LANGUAGE", or 0 if it does not end like this. */
static size_t tree_find_language(const char *stem, enum format format)
{
	const char *dot = strrchr(stem, '.');
	size_t len = dot ? strspn(dot + 1, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

	return format_has_translations(format) && dot && dot != stem && len &&
			       len <= RENDER_LANGUAGE_MAX && !dot[len + 1]
		       ? (size_t)(dot - stem)
		       : 0;
}

/*
 * True if a stem can be that of a job in a view: NAME has the only spelling, whatever
 * follows after the last "~".
 */
static bool tree_is_view_stem(const char *stem, size_t len)
{
	const char *tilde = memrchr(stem, '~', len);
	char text[FILENAME_BYTES_MAX + 1];

	if (tilde && tilde != stem)
		len = (size_t)(tilde - stem);
	return !filename_unescape(stem, len, "", text);
}

static int tree_resolve_job(
	const struct tree_dir *dir, const char *name, struct tree_entry *ret_entry)
{
	const char *suffix = strrchr(name, '.');
	size_t len = suffix ? (size_t)(suffix - name) : 0;
	char stem[FILENAME_BYTES_MAX + 1];
	enum format format;

	if (!suffix || format_find(suffix + 1, strlen(suffix + 1), &format))
		return -ENOENT;
	if (tree_is_by_name(dir)) {
		memcpy(stem, name, len);
		stem[len] = '\0';
	}
	if (tree_is_by_name(dir) ? !tree_is_view_stem(name, len)
				 : filename_unescape(name, len, FILENAME_WORD, stem) != 0)
		return -ENOENT;
	ret_entry->is_job = true;
	ret_entry->format = format;
	strcpy(ret_entry->stem, stem);
	ret_entry->language_at = tree_find_language(stem, format);
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
		err = tree_resolve_job(dir, name, ret_entry);
	return err;
}
