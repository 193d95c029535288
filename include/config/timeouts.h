/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* Directory of the kernel's FUSE limits. */
#define DEADLINE_KERNEL "/proc/sys/fs/fuse"

/*
 * Returns the longest time that a request may wait, in milliseconds. An administrator can
 * make the kernel abort a mount if one of its requests takes too long:
 * default_request_timeout and max_request_timeout in `directory`, in seconds (0 or
 * missing means no limit). If `timeout_ms` is not safely below these limits, a lower
 * value is returned and `errmsg` is set to a message that explains it; else `errmsg`
 * becomes empty. Reads files.
 */
int64_t timeout_of_requests(
	int64_t timeout_ms, const char *directory, struct buf *errmsg);

/*
 * Returns the time-out of an API call for a request that waits at most `timeout_ms`: a
 * bit less, so that the call's own error is reported first.
 */
int64_t timeout_of_calls(int64_t timeout_ms);
