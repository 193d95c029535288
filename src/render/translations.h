/* SPDX-License-Identifier: MIT */
#pragma once

#include "render/render.h"
#include "json/cursor.h"

/*
 * Finds the n-th translation of a job, counted as render_translations() lists them, from
 * 1. `ret_result` is its entry in result.translation.results. Returns 0, or -ENOENT if
 * there is none.
 */
int translations_find(
	struct json_slice job, unsigned translation, struct json_slice *ret_result);
