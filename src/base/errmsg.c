/* SPDX-License-Identifier: MIT */
#include "base/errmsg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

int errmsg_set(struct buf *errmsg, int error, const char *format, ...)
{
	CLEANUP_FREE char *sentence = NULL;
	va_list args;

	buf_reset(errmsg);
	va_start(args, format);
	int len = vasprintf(&sentence, format, args);
	va_end(args);
	if (len < 0) {
		sentence = NULL;
		return error;
	}
	for (char *c = sentence; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';

	/* If memory runs out, the caller still has the error number. */
	(void)buf_append(errmsg, sentence, strnlen(sentence, errmsg->max));
	return error;
}
