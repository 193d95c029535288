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

/*
 * Writes the text file `name` in the directory, and returns its path as temp_root_path()
 * does. Fails the test on error.
 */
const char *temp_root_write(const char *root, const char *name, const char *text);

/* Setup and teardown of a test whose initial state is `root`. */
int temp_root_set_up(void **state);
int temp_root_tear_down(void **state);

/* A test that has the directory `root`, for an array of struct CMUnitTest. */
#define TEMP_ROOT_TEST(test, root)                \
	cmocka_unit_test_prestate_setup_teardown( \
		test, temp_root_set_up, temp_root_tear_down, root)
