/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes the process fit to hold a key and transcripts, before anything else happens:
 * neither core dumps nor other processes of the same user show its memory (SPEC 2.2),
 * its files are its user's alone, descriptors 0 to 2 exist (so that no database becomes
 * "stderr"), SIGPIPE is ignored, as many files may be open as the system allows.
 *
 * What the system refuses of it is done without.
 */
void process_prepare(void);

/* Closes all descriptors that were inherited but 0 to 2 and `keep`. */
void process_close_inherited(int keep);
