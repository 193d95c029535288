/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Room for a SHA-256 in hex and its NUL. */
enum { DIGEST_HEX = 65 };

/*
 * SHA-256 (FIPS 180-4, by libmd) of `space`, a NUL byte and `text`. `space` keeps the
 * digests of different kinds of things apart.
 */
void digest_hex(const char *space, const char *text, char hex[static DIGEST_HEX]);

/* The first 63 bits of the same: never negative as an SQL integer. */
uint64_t digest_u63(const char *space, const char *text);
