/* SPDX-License-Identifier: MIT */
#include "base/errmsg.h"

#include <stdarg.h>
#include <stdio.h>

int errmsg_set(struct buf *errmsg, int error, const char *format, ...)
{
	va_list args;

	buf_reset(errmsg);
	/* If memory runs out, the caller still has the error number. */
	if (buf_reserve(errmsg, errmsg->max))
		return error;
	va_start(args, format);
	(void)vsnprintf(errmsg->data, errmsg->max + 1, format, args);
	va_end(args);
	for (char *c = errmsg->data; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
		errmsg->len++;
	}
	return error;
}
