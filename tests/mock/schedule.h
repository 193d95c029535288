/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "text.h"

/*
 * Changes of the account between two pages: all changes of a schedule are made right
 * before a certain list request is answered.
 */

#define SCHEDULES_MAX 10000

struct mock;

struct schedule {
	uint64_t at; /* number of the list request before which it is applied */
	cJSON *changes;
};

struct schedules {
	struct schedule *list;
	size_t count;
	uint64_t lists; /* number of list requests answered so far */
};

void schedules_done(struct schedules *s);

/* Adds a schedule: {"after_requests":K,"do":[…]}. Returns 0 or -EINVAL. */
int schedules_add(struct schedules *s, const char *json);

/* Applies the schedules that are due. Called before a list request is answered. */
void schedules_run(struct mock *s);

/* Applies a change: {"create":…}, {"finish":…} or {"delete":…}. */
int schedule_apply(struct mock *s, const cJSON *change);
