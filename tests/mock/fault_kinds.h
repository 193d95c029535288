/* SPDX-License-Identifier: MIT */
#pragma once

#include "fault.h"

/*
 * The kinds of faults. Each kind changes one step of a request; the functions for the
 * other steps are NULL. `with` is the "do" of the rule.
 */
struct fault_kind {
	const char *name;
	bool resets;
	int64_t (*delay)(const cJSON *with); /* ms; -1: until released */
	void (*replace)(const cJSON *with, const struct modes *modes, struct exchange *x);
	void (*page)(const cJSON *with, struct page *page, struct answer *items);
	void (*wire)(const cJSON *with, struct answer *answer);
};

/* Returns NULL if there is no such kind. */
const struct fault_kind *fault_kind_find(const char *name);
