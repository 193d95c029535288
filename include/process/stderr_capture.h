/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/buf.h"

/*
 * Keeps what libraries and child processes print on stderr, so that their reason can
 * become a part of our own sentence. Meant for a moment in which no other thread prints.
 */
struct capture {
	int saved; /* the true stderr; -1: nothing is being kept */
	int kept;
};

/* Where the system refuses, nothing is kept and stderr stays what it is. */
void capture_begin(struct capture *capture);

/*
 * Makes stderr what it was. `ret_line`, if not NULL, becomes the first line that was
 * printed (as much of it as the buffer takes), or empty; else all of it is printed now.
 */
void capture_end(struct capture *capture, struct buf *ret_line);
