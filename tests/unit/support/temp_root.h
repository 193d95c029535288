/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A temporary directory of a test. `root` is a template for mkdtemp(3), which each call
 * fills in again.
 */

/* Creates the directory. Returns 0, or -1 on error. */
int temp_root_make(char *root);

/* Removes the directory with everything in it. Returns 0, or the error of nftw(3). */
int temp_root_remove(const char *root);

/* Returns the path of `name` in the directory. It is valid until the next call. */
const char *temp_root_path(const char *root, const char *name);
