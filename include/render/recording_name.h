/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "json/cursor.h"

enum { RECORDING_NAME_MAX = 1024 }; /* bytes; a longer name is cut at a character */

/*
 * Finds the name of a job's recording: file.filename, or if that is not a string or is
 * empty, the last segment of the URL file.source, without its percent-encoding. The name
 * has no NUL, but the URL's may be any other bytes.
 *
 * `text` is memory for the name, and `ret_name` points into it. Returns the number of
 * bytes, 0 if there is no name.
 */
size_t recording_name_find(struct json_slice filename, struct json_slice source,
	char text[static RECORDING_NAME_MAX], const char **ret_name);
