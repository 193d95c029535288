/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Prepares the process for handling the key and transcripts. Call it first in main().
 *
 * - Disables core dumps, and access to our memory by other processes of the same user
 *   (SEMANTICS 2.2).
 * - Sets the umask so that only the user can access new files.
 * - Opens descriptors 0 to 2 if they are closed, so that no database file can become
 *   stderr.
 * - Ignores signals that we do not use. One of them is SIGXFSZ: a write that exceeds
 *   "ulimit -f" fails instead. Resets SIGCHLD, because we wait for child processes.
 * - Raises the limit of open files as far as the system permits.
 * - Configures malloc() to return freed memory (base/malloc_tuning.h).
 *
 * Settings that the system refuses are skipped.
 */
void hardening_prepare(void);

/* Closes all descriptors except 0 to 2 and `keep`. */
void hardening_close_inherited(int keep);

/*
 * If we are root, permanently drops the privileges that serving a mount does not need. We
 * keep CAP_SYS_ADMIN, to mount and unmount, and CAP_DAC_READ_SEARCH, to read the key and
 * the cache in private directories, and set no_new_privs.
 *
 * Does nothing for other users: they have no capabilities, and no_new_privs would disable
 * fusermount3, which is setuid and unmounts for them.
 *
 * Call it before starting threads, because each thread has its own capabilities. Returns
 * 0 or a negative errno.
 */
int hardening_confine(void);
