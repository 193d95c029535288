/* SPDX-License-Identifier: MIT */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

void *array_grow(void *array, size_t *cap, size_t len, size_t element_size)
{
	size_t more = *cap ? *cap * 2 : FIRST_CAP;

	if (array && len <= *cap)
		return array;
	if (more < len)
		more = len;

	void *grown = reallocarray(array, more, element_size);

	if (grown)
		*cap = more;
	return grown;
}

int rows_append(struct rows *rows, const int64_t *more, size_t len)
{
	int err = ARRAY_RESERVE(rows->rows, rows->cap, rows->len + len);

	if (err)
		return err;
	if (len)
		memcpy(rows->rows + rows->len, more, len * sizeof(*more));
	rows->len += len;
	return 0;
}

void rows_done(struct rows *rows)
{
	free(rows->rows);
	*rows = (struct rows){0};
}
