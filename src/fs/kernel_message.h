/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fuse_out_header;

/*
 * Is a message of the kernel whole? libfuse takes the lengths, counts and ends of names
 * in it on trust. `message` holds at least a struct fuse_in_header.
 */
bool message_is_whole(const void *message, size_t size);

/* What to answer to one that is not. False: nothing, for its kind has no answer. */
bool message_refusal(const void *message, struct fuse_out_header *ret_answer);
