/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

#define SOURCE_DEFAULT "https://api.gladia.io"

/*
 * The API's address (SPEC 1.1): "https://host[:port][/]", or "http://" to a loopback
 * address (127.0.0.0/8, [::1], localhost). Without user name, path, query or fragment.
 * RFC 3986's syntax, more strictly: a host is a name of letters, digits, "-" and "_", a
 * dotted IPv4 address of four numbers, or an IPv6 address in brackets.
 *
 * `ret_origin` becomes "scheme://host[:port]" in its one spelling: lower case, without
 * the scheme's own port; owned by the caller, who gives it to free(). 0; -ENOMEM; -EINVAL
 * with one sentence in `why`, which calls the text `what` and does not repeat it: it may
 * hold a password.
 */
int source_parse(const char *text, const char *what, char **ret_origin, struct buf *why);

/*
 * What SOURCE means, on a command line, in fstab or in the table of mounts (SPEC 1.1):
 * NULL, "gladia" and "none" are $GLADIA_API_URL, else SOURCE_DEFAULT; all else is an
 * address. Otherwise as source_parse().
 */
int source_find(const char *source, char **ret_origin, struct buf *why);
