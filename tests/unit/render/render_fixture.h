/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/array.h"
#include "render/render.h"

enum { TEXT_MAX = 4096 };

/* Jobs whose transcription has the given members, or the given utterances. */
#define JOB(members)           "{\"result\":{\"transcription\":{" members "}}}"
#define UTTERANCES(utterances) JOB("\"utterances\":[" utterances "]")
#define HI                     "\"text\":\"Hi.\""

/* A job and what it must be rendered as. */
struct shape {
	const char *job;
	const char *text;
};

/*
 * Renders a job in the form in which the catalog stores it, from an allocation without a
 * spare byte. `ret_text` has room for TEXT_MAX bytes, and is empty after a failure.
 * Returns what format_render() returns.
 */
int render_max(enum format format, const char *job, size_t max, char *ret_text);

/* Expects each job to be rendered as its text, with `result` from format_render(). */
void check_shapes(enum format format, int result, const struct shape *shapes, size_t len);

#define CHECK(format, shapes) check_shapes(format, 0, shapes, ARRAY_SIZE(shapes))
