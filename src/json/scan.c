/* SPDX-License-Identifier: MIT */
#include "json/scan.h"

const char *scan_space_run(const char *in, const char *end)
{
	while (in < end && scan_is_space(*in))
		in++;
	return in;
}

static const char *scan_skip_digits(const char *in, const char *end)
{
	while (in < end && *in >= '0' && *in <= '9')
		in++;
	return in;
}

size_t scan_number(const char *in, const char *end, const char **ret_bad)
{
	const char *start = in;

	if (in < end && *in == '-')
		in++;

	const char *digits = in;

	in = scan_skip_digits(in, end);
	if (in == digits)
		goto bad;
	/* No digit may follow a leading zero, so the integer part ends here. */
	if (*digits == '0')
		in = digits + 1;
	if (in < end && *in == '.') {
		digits = ++in;
		in = scan_skip_digits(in, end);
		if (in == digits)
			goto bad;
	}
	if (in < end && (*in == 'e' || *in == 'E')) {
		in++;
		if (in < end && (*in == '+' || *in == '-'))
			in++;
		digits = in;
		in = scan_skip_digits(in, end);
		if (in == digits)
			goto bad;
	}
	return (size_t)(in - start);

bad:
	*ret_bad = in;
	return 0;
}
