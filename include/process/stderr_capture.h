/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * Captures what libraries and child processes print to stderr, so that we can quote it in
 * an error message. All threads share stderr: use it only while no other thread prints.
 */
struct stderr_capture {
	int saved; /* a duplicate of the original stderr; -1: not capturing */
	int file;  /* a memory file that receives the output */
};

/* Starts capturing. If that fails, stderr is unchanged and nothing is captured. */
void stderr_capture_begin(struct stderr_capture *capture);

/*
 * Stops capturing and restores stderr. If `ret_line` is not NULL, it is set to the first
 * line that was printed, truncated to the buffer's maximum, or to "" if nothing was
 * printed. If `ret_line` is NULL, everything that was captured is printed to stderr.
 */
void stderr_capture_end(struct stderr_capture *capture, struct buf *ret_line);
