/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * True if a kernel could send a message with this opcode and this body behind its header:
 * no argument and no name in it is cut off. libfuse (3.14) does not check this and would
 * read beyond the end; neither do we, because the kernel is trusted. So tests that send
 * random messages send only those for which this function returns true.
 */
bool kernel_message_is_whole(uint32_t opcode, const void *body, size_t size);
