/* SPDX-License-Identifier: MIT */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>

#include "text.h"

/*
 * Changes of the account that happen between two pages: all of one schedule at once,
 * right before a certain list request is answered.
 */

#define SCHEDULES_MAX 10000

struct mock;

struct schedule {
	uint64_t at; /* the list request before which it happens */
	cJSON *changes;
};

struct schedules {
	struct schedule *list;
	size_t count;
	uint64_t lists; /* list requests answered so far */
};

void schedules_done(struct schedules *s);

/* Takes {"after_requests":K,"do":[…]}. -EINVAL: it is not that. */
int schedules_add(struct schedules *s, const char *json);

/* To be called before a list request is answered. */
void schedules_run(struct mock *s);

/* Applies one change, {"create":…}, {"finish":…} or {"delete":…}, now. */
int schedule_apply(struct mock *s, const cJSON *change);
