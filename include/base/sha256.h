/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Size of a SHA-256 in hexadecimal, including the NUL byte. */
enum { SHA256_HEX = 65 };

/*
 * Computes the SHA-256 of `space`, a NUL byte and `text`, in lowercase hexadecimal.
 * `space` is a namespace: equal texts in different namespaces have different digests.
 */
void sha256_hex(const char *space, const char *text, char hex[static SHA256_HEX]);

/*
 * Returns the first 63 bits of the SHA-256 of `space`, a NUL byte and `text`. 63 bits,
 * because SQL integers are signed.
 */
uint64_t sha256_u63(const char *space, const char *text);
