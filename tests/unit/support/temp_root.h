/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A test's own directory. `root` is a template of mkdtemp(3), and is made into a new one
 * each time.
 */

/* 0 or -1. */
int temp_root_make(char *root);

/* Removes it with all that is in it. 0, or what nftw(3) gives. */
int temp_root_remove(const char *root);

/* What is called `name` in it; good until the next call. */
const char *temp_root_path(const char *root, const char *name);
