/* SPDX-License-Identifier: MIT */
#pragma once

#include "fake_kernel.h"

/* A directory that the fake kernel has opened. */
struct kernel_dir {
	uint64_t node;
	uint64_t handle;
	uint32_t flags; /* FOPEN_* flags of the answer to OPENDIR */
	bool bare;      /* read with READDIR instead of READDIRPLUS */
};

enum {
	KERNEL_ENTRIES_MAX = 512,
	KERNEL_NAMES_MAX = 64 << 10,
	/* The sizes that the kernel asks for since Linux 6.16, and before. */
	KERNEL_DIR_SIZE = 32 << 10,
	KERNEL_DIR_SIZE_SMALL = 4 << 10,
};

struct kernel_entry {
	char name[KERNEL_NAME_MAX + 1];
	uint64_t ino;
	uint64_t cookie;
	mode_t type; /* S_IFREG and the like */
	/* All zeroes with READDIR. With READDIRPLUS, nodeid is 0 if the entry has no
	 * attributes. */
	struct fuse_entry_out entry_out;
};

/* The entries of one reply. */
struct kernel_entries {
	size_t len;
	struct kernel_entry entries[KERNEL_ENTRIES_MAX];
};

int kernel_opendir(struct kernel *kernel, uint64_t node, struct kernel_dir *ret_dir);

/* Opens the directory at a path; this must succeed. */
void kernel_opendir_at(
	struct kernel *kernel, const char *path, struct kernel_dir *ret_dir);

void kernel_releasedir(struct kernel *kernel, const struct kernel_dir *dir);

/*
 * READDIR(PLUS): sends the request, takes the answer, or does both. A reply without
 * entries is the end of the directory.
 */
uint64_t kernel_ask_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size);
int kernel_answer_readdir(struct kernel *kernel, const struct kernel_dir *dir,
	uint64_t number, struct kernel_entries *ret_entries);
int kernel_readdir(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, struct kernel_entries *ret_entries);

/*
 * Reads from `offset` to the end; no request may fail. Writes all names including "." and
 * "..", each followed by a space.
 */
void kernel_names(struct kernel *kernel, const struct kernel_dir *dir, uint64_t offset,
	uint32_t size, char ret_names[static KERNEL_NAMES_MAX]);
