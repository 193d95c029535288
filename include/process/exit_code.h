/* SPDX-License-Identifier: MIT */
#pragma once

/* What the program ends with: the exit codes of mount(8) (SPEC 1.3). */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_USAGE = 1,  /* the command line is wrong */
	EXIT_CODE_SYSTEM = 2, /* out of memory, cannot fork, ... */
	EXIT_CODE_MOUNT = 32, /* key, server or mount point: nothing was mounted */
};

/* Room for the one sentence that a failure is told with. */
enum { SENTENCE_MAX = 2048 };
