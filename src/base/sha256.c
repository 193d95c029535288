/* SPDX-License-Identifier: MIT */
#include "base/sha256.h"

#include <sha256.h>
#include <stdio.h>
#include <string.h>

static void sha256_digest(
	const char *space, const char *text, uint8_t raw[SHA256_DIGEST_LENGTH])
{
	SHA256_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)space, strlen(space) + 1);
	SHA256Update(&ctx, (const uint8_t *)text, strlen(text));
	SHA256Final(raw, &ctx);
}

void sha256_hex(const char *space, const char *text, char hex[static SHA256_HEX])
{
	uint8_t raw[SHA256_DIGEST_LENGTH];

	sha256_digest(space, text, raw);
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

uint64_t sha256_u63(const char *space, const char *text)
{
	uint8_t raw[SHA256_DIGEST_LENGTH];
	uint64_t value = 0;

	sha256_digest(space, text, raw);
	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | raw[i];
	return value >> 1;
}
