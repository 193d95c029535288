/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fuse_out_header;

/*
 * True if a message of the kernel is well-formed. libfuse does not check the lengths,
 * counts and string terminators in it. `message` must hold at least a struct
 * fuse_in_header.
 */
bool kernel_message_is_whole(const void *message, size_t size);

/*
 * Makes the error reply to a malformed message. Returns false if such messages get none.
 */
bool kernel_message_refusal(const void *message, struct fuse_out_header *ret_answer);
