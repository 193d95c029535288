/* SPDX-License-Identifier: MIT */
#include "render_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "json/pretty_print.h"

/*
 * Expects format_render_each() to have the same result as format_render() in a format,
 * whatever happens in the others.
 */
static void check_each(enum format format, const char *job, size_t len, int result,
	const struct buf *out)
{
	struct rendering renderings[FORMATS - 1];
	struct buf texts[FORMATS - 1];

	for (unsigned i = 0; i < FORMATS - 1; i++) {
		buf_init(&texts[i], out->max);
		renderings[i] = (struct rendering){
			.format = (enum format)(i + 1), .out = &texts[i]};
	}
	format_render_each(0, job, len, renderings, FORMATS - 1);
	assert_int_equal(renderings[format - 1].result, result);
	assert_int_equal(texts[format - 1].len, out->len);
	if (out->len)
		assert_memory_equal(texts[format - 1].data, out->data, out->len);
	for (unsigned i = 0; i < FORMATS - 1; i++)
		buf_done(&texts[i]);
}

int render_max(enum format format, const char *job, size_t max, char *ret_text)
{
	struct buf printed, out;
	struct json_error error;

	buf_init(&printed, 1 << 20);
	buf_init(&out, max);
	assert_int_equal(json_print(job, strlen(job), &printed, NULL, &error), 0);

	char *copy = malloc(printed.len);

	assert_non_null(copy);
	memcpy(copy, printed.data, printed.len);

	int err = format_render(format, 0, copy, printed.len, &out);

	check_each(format, copy, printed.len, err, &out);
	ret_text[0] = '\0';
	if (err >= 0 && out.len) {
		assert_true(out.len < TEXT_MAX);
		assert_int_equal(strlen(out.data), out.len);
		memcpy(ret_text, out.data, out.len + 1);
	}
	free(copy);
	buf_done(&printed);
	buf_done(&out);
	return err;
}

void check_shapes(enum format format, int result, const struct shape *shapes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char text[TEXT_MAX];
		int err = render_max(format, shapes[i].job, TEXT_MAX, text);

		if (err != result || strcmp(text, shapes[i].text) != 0)
			fail_msg("%s\n--- is ---\n%s\n--- not ---\n%s\n(returns %d)",
				shapes[i].job, text, shapes[i].text, err);
	}
}
