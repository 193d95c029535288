/* SPDX-License-Identifier: MIT */
#pragma once

#include "spec.h"

/*
 * Fills an empty account with the jobs of a file: a JSON array of descriptions (spec.h).
 * With file NULL it is sample.json beside the program. Negative errno; it has then been
 * said on stderr what is wrong.
 */
int sample_load(
	struct account *a, const char *file, const struct spec_defaults *defaults);
