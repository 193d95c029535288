/* SPDX-License-Identifier: MIT */
#include "option_number.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit seconds[] = {
	{"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}};

static const struct unit sizes[] = {{"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30}, {"T", UINT64_C(1) << 40}};

/*
 * Returns the factor of the unit `name`, which is not empty, or 0 if there is no such
 * unit. Upper and lower case mean the same.
 */
static uint64_t option_number_unit(const char *name, enum option_number_form form)
{
	bool size = form == OPTION_NUMBER_SIZE;
	const struct unit *units = size ? sizes : seconds;
	const char *rest = name + 1;

	if (!size && form != OPTION_NUMBER_SECONDS)
		return 0;
	if (*rest && !(size && (!strcasecmp(rest, "B") || !strcasecmp(rest, "iB"))))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (strncasecmp(name, units[i].name, 1) == 0)
			return units[i].factor;
	return 0;
}

_Static_assert(ARRAY_SIZE(sizes) == ARRAY_SIZE(seconds), "one loop searches both");

bool option_number_parse(
	const char *text, enum option_number_form form, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	/* strtoull() would also accept white space and a sign. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, form == OPTION_NUMBER_OCTAL ? 8 : 10);
	if (errno || end == text)
		return false;

	uint64_t factor = *end ? option_number_unit(end, form) : 1;

	return factor && !__builtin_mul_overflow(number, factor, ret_number);
}
