/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/buf.h"

#define DEADLINE_KERNEL "/proc/sys/fs/fuse"

/*
 * The longest a request may wait. An administrator can have the kernel abort any mount
 * one of whose requests takes too long (fs.fuse.default_request_timeout and
 * max_request_timeout, in `directory`; 0 or missing: never): `timeout_ms` is then
 * lowered to stay below, with one sentence in `why` (no newline), which else becomes
 * empty.
 */
int64_t deadline_of_requests(int64_t timeout_ms, const char *directory, struct buf *why);

/* That of a call to the API: a bit less, so that its own error comes first. */
int64_t deadline_of_calls(int64_t timeout_ms);
