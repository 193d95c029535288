/* SPDX-License-Identifier: MIT */
#pragma once

/* The exit codes of the program, those of mount(8) (SEMANTICS 1.3). */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_USAGE = 1,  /* the command line is wrong */
	EXIT_CODE_SYSTEM = 2, /* out of memory, cannot fork, ... */
	EXIT_CODE_MOUNT = 32, /* not mounted because of the key, server or mount point */
};
