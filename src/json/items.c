/* SPDX-License-Identifier: MIT */
#include "json/items.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "json/scan.h"
#include "json/value_end.h"

/*
 * The reader is a state machine for the grammar of a page (RFC 8259, sections 4 and 5).
 * Between values, each state accepts white space, one or two bytes with the state that
 * follows them, and possibly the beginning of a value:
 *
 *   state        byte   next           byte   next         value
 *   PAGE         {      FIRST_KEY
 *   FIRST_KEY    }      PAGE_END                           IN_KEY (a string)
 *   KEY                                                    IN_KEY (a string)
 *   COLON        :      VALUE, or ITEMS if the key was "items"
 *   VALUE                                                  IN_VALUE
 *   AFTER_VALUE  ,      KEY            }      PAGE_END
 *   ITEMS        [      FIRST_ITEM
 *   FIRST_ITEM                         ]      AFTER_VALUE  IN_ITEM
 *   ITEM                                                   IN_ITEM
 *   AFTER_ITEM   ,      ITEM           ]      AFTER_VALUE
 *   PAGE_END
 *
 * At the end of a value, IN_KEY leads to COLON, IN_VALUE to AFTER_VALUE, and IN_ITEM to
 * AFTER_ITEM, after the item was passed to the handler.
 *
 * All bytes are copied to the frame, except those between the brackets of "items".
 */
enum state {
	PAGE,
	FIRST_KEY,
	KEY,
	COLON,
	VALUE,
	AFTER_VALUE,
	ITEMS,
	FIRST_ITEM,
	ITEM,
	AFTER_ITEM,
	PAGE_END,
	IN_KEY,
	IN_VALUE,
	IN_ITEM,
};

struct expectation {
	char byte[2];       /* the accepted bytes; 0: unused */
	enum state then[2]; /* the states that follow them */
	enum state value;   /* the state of a value that begins here; PAGE: none may */
	const char *reason; /* the error for any other byte */
};

static const struct expectation expectations[] = {
	[PAGE] = {{'{'}, {FIRST_KEY}, PAGE, "expected '{'"},
	[FIRST_KEY] = {{'}'}, {PAGE_END}, IN_KEY, "expected a key in quotes or '}'"},
	[KEY] = {{0}, {PAGE}, IN_KEY, "expected a key in quotes"},
	[COLON] = {{':'}, {VALUE}, PAGE, "expected ':'"},
	[VALUE] = {{0}, {PAGE}, IN_VALUE, "expected a value"},
	[AFTER_VALUE] = {{',', '}'}, {KEY, PAGE_END}, PAGE, "expected ',' or '}'"},
	[ITEMS] = {{'['}, {FIRST_ITEM}, PAGE, "expected a value"},
	[FIRST_ITEM] = {{']'}, {AFTER_VALUE}, IN_ITEM, "expected a value or ']'"},
	[ITEM] = {{0}, {PAGE}, IN_ITEM, "expected a value"},
	[AFTER_ITEM] = {{',', ']'}, {ITEM, AFTER_VALUE}, PAGE, "expected ',' or ']'"},
	[PAGE_END] = {{0}, {PAGE}, PAGE, "data after the end of the page"},
};

struct json_items {
	struct json_items_handlers handlers;
	void *ctx;
	struct buf frame;
	struct buf item; /* an item's bytes from earlier calls; usually empty */
	enum state state;
	struct json_value_end extent;
	size_t offset;       /* position in the page of the next byte to read */
	size_t value_offset; /* position in the page of the current key, value or item */
	size_t key_start;    /* position in the frame of the current key */
	bool key_is_items;   /* the last key of the page was "items" */
	bool have_items;
	size_t array_start; /* position after the '[' of "items", in frame and page */
	size_t array_len;   /* number of bytes left out of the frame at array_start */
	int err;
	struct json_error error;
};

static const char items_key[] = "\"items\"";

int json_items_new(size_t item_max, size_t frame_max,
	const struct json_items_handlers *handlers, void *ctx,
	struct json_items **ret_items)
{
	struct json_items *items = calloc(1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	items->handlers = *handlers;
	items->ctx = ctx;
	buf_init(&items->frame, frame_max);
	buf_init(&items->item, item_max);
	json_items_reset(items);
	*ret_items = items;
	return 0;
}

void json_items_free(struct json_items *items)
{
	if (!items)
		return;
	buf_done(&items->frame);
	buf_done(&items->item);
	free(items);
}

void json_items_reset(struct json_items *items)
{
	struct json_items fresh = {
		.handlers = items->handlers,
		.ctx = items->ctx,
		.frame = items->frame,
		.item = items->item,
		.state = PAGE,
		.error.reason = "no error",
	};

	*items = fresh;
	buf_reset(&items->frame);
	buf_reset(&items->item);
}

static const char *items_fail(
	struct json_items *items, int err, size_t offset, const char *reason)
{
	items->err = err;
	items->error.offset = offset;
	items->error.reason = reason;
	return NULL;
}

static bool items_is_in_array(enum state state)
{
	return state == FIRST_ITEM || state == ITEM || state == IN_ITEM ||
	       state == AFTER_ITEM;
}

/*
 * Accepts the bytes [in, to) and changes to the state `then`. Bytes outside the array
 * "items" are appended to the frame. Returns `to`, or NULL on failure.
 */
static const char *items_advance(
	struct json_items *items, const char *in, const char *to, enum state then)
{
	size_t len = (size_t)(to - in);
	bool left_out = items_is_in_array(items->state) && items_is_in_array(then);

	items->offset += len;
	items->state = then;
	if (left_out) {
		items->array_len += len;
		return to;
	}

	int err = buf_append(&items->frame, in, len);

	return err ? items_fail(
			     items, err, items->offset, "too much data around the items")
		   : to;
}

/*
 * Called when a key is complete and is at the end of the frame: checks whether it is
 * "items". Returns 0, or -EBADMSG if there are two such members.
 */
static int items_note_key(struct json_items *items)
{
	const struct buf *frame = &items->frame;
	size_t len = frame->len - items->key_start;

	items->key_is_items = len == strlen(items_key) &&
			      !memcmp(frame->data + items->key_start, items_key, len);
	if (!items->key_is_items)
		return 0;
	if (items->have_items)
		items_fail(items, -EBADMSG, items->value_offset,
			"a second member \"items\"");
	items->have_items = true;
	return items->err;
}

/*
 * Passes an item to the handler. `last` is its end; the bytes before that, if any, were
 * collected in items->item by earlier calls. Returns 0 or a negative errno.
 */
static int items_hand_out(struct json_items *items, const char *last, size_t len)
{
	struct buf *item = &items->item;
	const char *raw = last;
	int err = len > item->max ? -EMSGSIZE : 0;

	if (item->len) {
		err = buf_append(item, last, len);
		raw = item->data;
		len = item->len;
	}
	if (err) {
		items_fail(items, err, items->value_offset, "an item is too large");
		return err;
	}
	err = items->handlers.on_item(items->ctx, raw, len, items->value_offset);
	buf_reset(item);
	if (err)
		items_fail(items, err, items->value_offset, "the item was rejected");
	return items->err;
}

/* Reads bytes of a key, a value or an item. Returns the next byte, or NULL on failure. */
static const char *items_read_value(
	struct json_items *items, const char *in, const char *end)
{
	static const enum state then[] = {
		[IN_KEY] = COLON, [IN_VALUE] = AFTER_VALUE, [IN_ITEM] = AFTER_ITEM};
	enum state state = items->state;
	const char *stop = json_value_end_find(&items->extent, in, end);

	if (!stop) {
		int err = state == IN_ITEM
				  ? buf_append(&items->item, in, (size_t)(end - in))
				  : 0;

		if (err)
			return items_fail(
				items, err, items->value_offset, "an item is too large");
		return items_advance(items, in, end, state);
	}
	if (state == IN_ITEM && items_hand_out(items, in, (size_t)(stop - in)))
		return NULL;
	if (!items_advance(items, in, stop, then[state]))
		return NULL;
	return state == IN_KEY && items_note_key(items) ? NULL : stop;
}

static void items_begin_value(struct json_items *items, char first, enum state state)
{
	items->state = state;
	items->value_offset = items->offset;
	items->key_start = items->frame.len;
	json_value_end_begin(&items->extent, first);
}

static const char *items_why_no_array(char first)
{
	switch (first) {
	case 'n':
		return "items is null, not an array";
	case '{':
		return "items is an object, not an array";
	case '"':
		return "items is a string, not an array";
	case 't':
	case 'f':
		return "items is a boolean, not an array";
	default:
		return json_value_end_begins(first) ? "items is a number, not an array"
						    : "expected an array";
	}
}

/*
 * Reads one byte between values: punctuation, or the first byte of a value, which
 * items_read_value() reads again. Returns the next byte, or NULL on failure.
 */
static const char *items_read_mark(struct json_items *items, const char *in)
{
	const struct expectation *expected = &expectations[items->state];
	bool may_begin = expected->value == IN_KEY ? *in == '"'
						   : json_value_end_begins(*in);

	for (size_t i = 0; i < sizeof(expected->byte); i++) {
		enum state then = expected->then[i];

		if (!expected->byte[i] || *in != expected->byte[i])
			continue;
		if (then == VALUE && items->key_is_items)
			then = ITEMS;
		in = items_advance(items, in, in + 1, then);
		if (then == FIRST_ITEM)
			items->array_start = items->frame.len;
		return in;
	}
	if (expected->value != PAGE && may_begin) {
		items_begin_value(items, *in, expected->value);
		return in;
	}
	return items_fail(items, -EBADMSG, items->offset,
		items->state == ITEMS ? items_why_no_array(*in) : expected->reason);
}

int json_items_feed(struct json_items *items, const char *data, size_t len)
{
	const char *in = data;
	const char *end = data + len;

	while (in < end && !items->err) {
		if (items->state >= IN_KEY) {
			in = items_read_value(items, in, end);
			continue;
		}

		const char *mark = scan_space(in, end);

		if (mark > in)
			in = items_advance(items, in, mark, items->state);
		else
			in = items_read_mark(items, in);
	}
	return items->err;
}

/* Converts an offset in the frame to the offset of the same byte in the page. */
static size_t items_page_offset(const struct json_items *items, size_t frame_offset)
{
	return frame_offset < items->array_start ? frame_offset
						 : frame_offset + items->array_len;
}

int json_items_finish(struct json_items *items, const char **ret_frame, size_t *ret_len)
{
	struct json_error error;

	if (!items->err && items->state != PAGE_END)
		items_fail(items, -EBADMSG, items->offset, "the page ends too early");
	if (!items->err && !items->have_items)
		items_fail(items, -EBADMSG, items->offset, "no member \"items\"");
	if (!items->err && json_check(items->frame.data, items->frame.len, &error))
		items_fail(items, -EBADMSG, items_page_offset(items, error.offset),
			error.reason);
	if (items->err)
		return items->err;
	*ret_frame = items->frame.data;
	*ret_len = items->frame.len;
	return 0;
}

const struct json_error *json_items_error(const struct json_items *items)
{
	return &items->error;
}
