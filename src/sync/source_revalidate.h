/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * Fills a listing by checking the one before (SPEC 7.2). Its begin() gives -ENOENT where
 * there is none, or reading the listing is as cheap.
 */
extern const struct filler filler_check;

/*
 * Fills a listing from a complete and fresh one that holds all its jobs, without asking
 * anybody. Its begin() gives -ENOENT where there is none.
 */
extern const struct filler filler_derive;
