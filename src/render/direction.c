/* SPDX-License-Identifier: MIT */
#include "direction.h"

#include <unictype.h>
#include <unistr.h>

/*
 * Not string literals: compilers and linters report an isolate that does not end in the
 * same literal as a possible attack (CVE-2021-42574).
 */
const char direction_isolate[] = {'\xe2', '\x81', '\xa8', '\0'};     /* U+2068 */
const char direction_isolate_end[] = {'\xe2', '\x81', '\xa9', '\0'}; /* U+2069 */

bool direction_is_rtl(const char *text, size_t len)
{
	/* The first character of Unicode that is written right to left. */
	enum { HEBREW = 0x590 };
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *end = at + len;

	while (at < end) {
		ucs4_t code;
		int used = u8_mbtouc(&code, at, (size_t)(end - at));

		if (code >= HEBREW) {
			int class = uc_bidi_class(code);

			if (class == UC_BIDI_R || class == UC_BIDI_AL)
				return true;
		}
		at += used > 0 ? used : 1;
	}
	return false;
}
