/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct dir;
struct jobs_csv;
struct request;

/*
 * The file jobs.csv of each directory of jobs (SEMANTICS 8.2), a snapshot (snapshot.h).
 * It is made from the complete listing of the directory and from what the catalog knows
 * of its jobs, without any of their texts. That takes some microseconds a job, so it is
 * done in steps, between which other requests are handled.
 */

/* True if this is the file's name, and the directory has the file. */
bool jobs_csv_is_name(const struct dir *dir, const char *name);

/* Handler of LOOKUP of the file in `dir` (request.h). */
int jobs_csv_lookup(struct request *request, const struct dir *dir);

/* Frees what a request has made so far. NULL is allowed. */
void jobs_csv_free(struct jobs_csv *making);
