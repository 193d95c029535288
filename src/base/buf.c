/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_CAP = 256 };

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

int buf_reserve(struct buf *buf, size_t extra)
{
	if (extra > buf->max - buf->len)
		return -EMSGSIZE;

	size_t need = buf->len + extra;

	if (buf->data && need <= buf->cap)
		return 0;

	size_t cap = buf->cap ? buf->cap : BUF_FIRST_CAP;

	while (cap < need)
		cap = cap > buf->max / 2 ? buf->max : cap * 2;

	char *data = realloc(buf->data, cap + 1);

	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->cap = cap;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_append(struct buf *buf, const void *data, size_t len)
{
	int err = buf_reserve(buf, len);

	if (err)
		return err;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_append_str(struct buf *buf, const char *string)
{
	return buf_append(buf, string, strlen(string));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;

	int err = buf_reserve(buf, (size_t)len);

	if (err)
		return err;
	va_start(args, format);
	(void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}
