/* SPDX-License-Identifier: MIT */
#pragma once

#include "spec.h"

/*
 * Fills an empty account with the jobs of a file: a JSON array of descriptions (spec.h).
 * If `file` is NULL, that is sample.json next to the program. Returns 0, or a negative
 * errno after it has printed an error message.
 */
int sample_load(
	struct account *a, const char *file, const struct spec_defaults *defaults);
