/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Does a signal wait for this thread that is to end it (SPEC 11.2)? HUP, INT, QUIT, KILL
 * and TERM count, unless blocked; from SigPnd, ShdPnd and SigBlk of proc(5)'s
 * /proc/TID/status. One that cannot be looked at (ended, or in another PID namespace) is
 * taken to end; where memory or descriptors are lacking to look, it is not.
 */
bool caller_is_ending(pid_t tid);

/* The same of the text of such a file. */
bool caller_status_is_ending(FILE *status);
