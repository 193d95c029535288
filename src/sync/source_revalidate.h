/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Source that revalidates the previous listing of the query (SEMANTICS 7.2). Its begin()
 * returns -ENOENT if there is none, or if reading all pages costs no more.
 */
extern const struct listing_source source_revalidate;
