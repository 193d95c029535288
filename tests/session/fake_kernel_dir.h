/* SPDX-License-Identifier: MIT */
#pragma once

#include "fake_kernel.h"

/*
 * Directories as the test's kernel reads them.
 */
struct kernel_dir {
	uint64_t node;
	uint64_t handle;
	uint32_t flags; /* FOPEN_... */
	bool bare;      /* READDIR instead of READDIRPLUS */
};

enum {
	KERNEL_ENTRIES_MAX = 512,
	KERNEL_NAMES_MAX = 64 << 10,
	/* What the kernel asks for since 6.16, and before. */
	KERNEL_DIR_SIZE = 32 << 10,
	KERNEL_DIR_SIZE_SMALL = 4 << 10,
};

struct kernel_entry {
	char name[KERNEL_NAME_MAX + 1];
	uint64_t ino;
	uint64_t cookie;
	mode_t type;                /* S_IFREG ... */
	struct fuse_entry_out told; /* nodeid 0: nothing but the name; READDIR: zeroes */
};

/* What one reply holds. */
struct kernel_entries {
	size_t len;
	struct kernel_entry entries[KERNEL_ENTRIES_MAX];
};

int kernel_opendir(struct kernel *kernel, uint64_t node, struct kernel_dir *ret_dir);

/* The same of a path, which must be there and open. */
void kernel_opendir_at(
	struct kernel *kernel, const char *path, struct kernel_dir *ret_dir);

void kernel_releasedir(struct kernel *kernel, const struct kernel_dir *dir);

/* READDIR(PLUS) with and without waiting for its answer. No entries: the end. */
uint64_t kernel_ask_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size);
int kernel_answer_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t number, struct kernel_entries *ret_entries);
int kernel_readdir(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, struct kernel_entries *ret_entries);

/*
 * Reads from `offset` to the end, with no error. Gives the names, a space after each; "."
 * and ".." too.
 */
void kernel_names(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, char ret_names[static KERNEL_NAMES_MAX]);
