/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define SOURCE_DEFAULT "https://api.gladia.io"

/*
 * Checks and normalises an API URL (SEMANTICS 1.1): "https://host[:port][/]", or
 * "http://" with a loopback address (127.0.0.0/8, [::1], localhost). A user name, path,
 * query or fragment is not allowed. libcurl decides what a host is. Public for tests
 * only: the program calls api_url_find().
 *
 * Sets `ret_origin` to "scheme://host[:port]" in lower case, without the scheme's default
 * port. The caller releases it with free().
 *
 * Returns 0, -ENOMEM, or -EINVAL, with an error message in `errmsg`. The message calls
 * the text `what` and does not quote it, because it may contain a password.
 */
int api_url_parse(
	const char *text, const char *what, char **ret_origin, struct buf *errmsg);

/*
 * Resolves SOURCE, as given on a command line, in fstab or in a profile (SEMANTICS 1.1).
 * NULL, "gladia" and "none" mean $GLADIA_API_URL if it is set, else SOURCE_DEFAULT.
 * Anything else is an API URL.
 *
 * Sets `ret_origin` to the normalised URL; the caller releases it with free(). Returns 0,
 * -ENOMEM, or -EINVAL if the URL is not valid, with an error message in `errmsg`.
 */
int api_url_find(const char *source, char **ret_origin, struct buf *errmsg);

/* True if SOURCE is NULL or one of the words that mean the default. */
bool api_url_means_default(const char *source);
