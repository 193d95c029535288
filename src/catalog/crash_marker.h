/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "db_file.h"

/*
 * Whether a database on disk may have been torn by a power cut. SQLite syncs nothing
 * (schema.c): the file is whole for whoever opens it while the machine is up, but after a
 * power cut any of its pages may be as it was long before, and a text another one without
 * a sign of it. So, as filesystems do, a mark beside it (PATH-boot) says in which boot of
 * which machine it is in use. That is on the disk before anything is written, and taken
 * back once all is.
 */
enum { DIRTY_BOOT_SIZE = 192 };

struct dirty {
	int fd; /* of the mark; -1: there is none */
	bool is_set;
	char boot[DIRTY_BOOT_SIZE];
};

/*
 * Looks for the mark, with the place locked. `boot` is "HOST ID"; NULL: the system's; "",
 * or where the system's is not known: there will be no mark. 0, and whether an earlier
 * boot of this machine left it there, so that nothing in the database can be believed.
 * What another machine has in use is let be, where that can be: on a filesystem that
 * several may use (a home on NFS). A negative errno.
 */
int dirty_open(
	struct dirty *dirty, const struct place *place, const char *boot, bool *ret_cut);

/*
 * Marks the database before it is written to. Waits for the disk. 0 or a negative errno:
 * nothing may be written then.
 */
int dirty_set(struct dirty *dirty, const struct place *place);

/*
 * While `doubt` is set, whoever finds the mark without us takes the database for one that
 * a power cut has torn: for what is written without a journal. Needs no space on the
 * disk. Returns 0, or an error if it cannot be marked.
 */
int dirty_doubt(const struct dirty *dirty, bool doubt);

/*
 * To be called when the database is closed. Where nobody else has it open, it is synced
 * and the mark taken back, by a child: nothing ends a process that waits for a disk.
 * Waits for half a second at most. Does nothing where `fd` is -1.
 */
void dirty_close(struct dirty *dirty, const struct place *place);
