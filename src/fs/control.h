/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

struct request;

/*
 * The files in .gladiafs/ (SEMANTICS 9.1). Each lookup makes a snapshot (snapshot.h) of
 * the state at that moment.
 */
enum { CONTROL_TEXT_MAX = 256 << 10 };

/* Returns the name of the file number `index`, or NULL past the last one. */
const char *control_file_name(size_t index);

/* Handler of LOOKUP in .gladiafs/ (request.h). */
int control_lookup(struct request *request);
