/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * True if a signal that ends the caller is pending for this thread (SEMANTICS 11.2): HUP,
 * INT, QUIT, KILL or TERM, unless it is blocked. Reads SigPnd, ShdPnd and SigBlk from
 * /proc/TID/status; see proc(5).
 *
 * Also true if that file cannot be opened because the thread has ended or is in another
 * PID namespace. False if it cannot be opened for lack of memory or descriptors.
 */
bool caller_has_fatal_signal(pid_t tid);

/*
 * True if `status`, an open /proc/TID/status, shows a pending signal that ends the
 * thread. Public for tests only.
 */
bool caller_status_has_fatal_signal(FILE *status);
