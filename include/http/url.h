/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The parts of a URL that decide whether and how a request is sent to it. */
struct http_url {
	char *origin;   /* "scheme://host[:port]", without the scheme's default port */
	bool https;     /* the scheme is https; otherwise it is http */
	bool loopback;  /* the host is this machine, by name or address */
	bool has_user;  /* there is a user name or a password */
	bool has_path;  /* there is a path other than "/" */
	bool has_query; /* there is a query or a fragment; an empty one may not count */
};

/*
 * Parses an absolute http or https URL with libcurl, which also normalises its host:
 * lower case, and one spelling for each IPv4 address. On success the caller frees
 * ret_url->origin with free().
 *
 * Returns 0, -ENOMEM, or -EINVAL. In the last case `ret_reason` is a constant phrase that
 * says what is wrong with the URL. It does not quote the URL.
 */
int http_url_parse(const char *text, struct http_url *ret_url, const char **ret_reason);

/*
 * Appends the first `len` bytes of `text`, percent-encoded except for the unreserved
 * characters (RFC 3986, 2.3). Returns an error of buf_append().
 */
int http_url_print_encoded(const char *text, size_t len, struct buf *out);
