/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes the process fit to hold a key and transcripts, before anything else happens:
 * neither core dumps nor other processes of the same user show its memory (SPEC 2.2),
 * its files are its user's alone, descriptors 0 to 2 exist (so that no database becomes
 * "stderr"), signals that mean nothing here are ignored (a write beyond "ulimit -f" fails
 * then), as many files may be open as the system allows, and memory that is freed goes
 * back to the system (base/heap.h).
 *
 * What the system refuses of it is done without.
 */
void process_prepare(void);

/* Closes all descriptors that were inherited but 0 to 2 and `keep`. */
void process_close_inherited(int keep);

/*
 * Gives up for good what serving a mount does not take, where we are root: all
 * capabilities but CAP_SYS_ADMIN (mount and unmount) and CAP_DAC_READ_SEARCH (key and
 * cache in directories that are closed to others), and getting any by a program that is
 * run (no_new_privs). Other users have none to give up, and fusermount3, which unmounts
 * for them, is such a program. Before there are threads: they have what they began with.
 * 0 or -errno.
 */
int process_confine(void);
