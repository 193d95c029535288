/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/tree.h"
#include "fuzz.h"

/*
 * The input's lines are paths such as "status/error/date/2026-04-01". They are resolved
 * name by name in the tree (fs/tree), and so by the query parser (SEMANTICS 3.1 to 3.3).
 */
enum { JOBS = 4 };

static void check_url(const struct query *query, unsigned span)
{
	enum { URL_MAX = 4096 };
	CLEANUP(buf_done) struct buf url;

	buf_init(&url, URL_MAX);
	HOLDS(!query_print_url(query, span, UINT64_MAX, UINT32_MAX, &url));
	for (const char *c = url.data; *c; c++)
		HOLDS(*c > ' ' && *c < 0x7f && *c != '#' && *c != '?');
}

/*
 * The spans of a query are ordered from latest to earliest and do not touch. Each has a
 * URL of its own.
 */
static void check_query(const struct query *query)
{
	char key[QUERY_KEY_MAX];

	query_key(query, key);
	HOLDS(*key);
	HOLDS(query->spans_len <= QUERY_SPANS_MAX);
	HOLDS(!(query->statuses & ~(unsigned)QUERY_ALL_STATUSES));
	HOLDS(memchr(query->metadata, '\0', METADATA_FILTER_MAX));
	for (unsigned i = 0; i < query->spans_len; i++) {
		HOLDS(query->spans[i].from_ms < query->spans[i].to_ms);
		HOLDS(!i || query->spans[i].to_ms < query->spans[i - 1].from_ms);
		check_url(query, i);
	}
}

static bool matches(const struct query *query, unsigned number)
{
	const struct job job = {.status = (enum job_status)number,
		.created_ms = INT64_C(1775044800000) + number};
	static const char held[] = "\ncustomer=acme\ntags=new\n";

	return query_matches(query, &job) &&
	       metadata_matches(query->metadata, held, strlen(held));
}

/*
 * A step further down selects no additional job, and the same step again changes nothing.
 */
static void check_step(const struct tree_dir *from, const struct tree_dir *to,
	const char *name, bool is_value)
{
	struct tree_entry again;
	char key[QUERY_KEY_MAX], key_again[QUERY_KEY_MAX];

	check_query(&to->query);
	for (unsigned i = 0; i < JOBS; i++)
		HOLDS(matches(&from->query, i) || !matches(&to->query, i));
	if (!is_value || from->kind == TREE_METADATA || from->kind == TREE_KEY)
		return;
	again.dir = (struct tree_dir){from->kind, to->view, to->query};
	HOLDS(!tree_resolve(&again.dir, name, &again));
	query_key(&to->query, key);
	query_key(&again.dir.query, key_again);
	HOLDS(!strcmp(key, key_again));
}

static void check_job(
	const struct tree_dir *dir, const struct tree_entry *entry, const char *name)
{
	char made[FILENAME_BYTES_MAX + 1];

	HOLDS(tree_shows(dir) == TREE_SHOWS_JOBS);
	HOLDS(*entry->stem && (unsigned)entry->format < FORMATS);
	HOLDS(!entry->language_at || entry->stem[entry->language_at] == '.');
	if (tree_is_by_name(dir))
		HOLDS(snprintf(made, sizeof(made), "%s%s", entry->stem,
			      format_suffix(entry->format)) == (int)strlen(name));
	else
		HOLDS(!filename_escape(
			entry->stem, FILENAME_WORD, format_suffix(entry->format), made));
	HOLDS(!strcmp(made, name));
}

/*
 * Walks down `path`, which it cuts into names. Returns false if the walk ends at a job,
 * or at a name that cannot exist.
 */
static bool walk(struct tree_dir *dir, char *path)
{
	char *rest = path;

	for (char *name; (name = strsep(&rest, "/"));) {
		struct tree_entry entry;
		bool is_value = tree_shows(dir) != TREE_SHOWS_JOBS &&
				dir->kind != TREE_ROOT;
		int err = tree_resolve(dir, name, &entry);

		if (err) {
			HOLDS(err == -ENOENT || err == -ENAMETOOLONG);
			return false;
		}
		HOLDS(*name && strlen(name) <= FILENAME_BYTES_MAX);
		if (entry.is_job) {
			check_job(dir, &entry, name);
			return false;
		}
		check_step(dir, &entry.dir, name, is_value);
		*dir = entry.dir;
	}
	return true;
}

/* Turns "a/b/c/d" into "c/d/a/b": a filter has two names, one in metadata/ has three. */
static char *turned_path(const char *path)
{
	const char *at = path;
	size_t len = strlen(path);

	if (strncmp(path, "all/", strlen("all/")) == 0)
		return NULL;
	for (int names = strncmp(at, "metadata/", strlen("metadata/")) ? 2 : 3; names;
		names--) {
		at += strcspn(at, "/");
		if (!*at)
			return NULL;
		at++;
	}

	char *turned = malloc(len + 1);
	size_t behind = (size_t)(path + len - at);

	HOLDS(turned);
	memcpy(turned, at, behind);
	turned[behind] = '/';
	memcpy(turned + behind + 1, path, len - behind - 1);
	turned[len] = '\0';
	return turned;
}

static void read_path(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *path = fuzz_text(data, size);
	CLEANUP_FREE char *turned = turned_path(path);
	struct tree_dir one, other;
	char key[QUERY_KEY_MAX], key_turned[QUERY_KEY_MAX];

	tree_root(&one);
	tree_root(&other);
	/* In the other order, the path may have too many spans on the way. */
	if (!walk(&one, path) || one.kind != TREE_JOBS || !turned ||
		!walk(&other, turned))
		return;
	query_key(&one.query, key);
	query_key(&other.query, key_turned);
	HOLDS(other.kind != TREE_JOBS || !strcmp(key, key_turned));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_rest rest = {data, size};
	struct fuzz_rest line;

	if (size > FUZZ_INPUT_MAX)
		return 0;
	while (fuzz_line(&rest, &line))
		read_path(line.data, line.size);
	return 0;
}
