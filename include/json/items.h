/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "json/pretty_print.h"

/*
 * A streaming reader for a page of items. A page is a JSON object with a member "items",
 * an array; its members may be in any order. Each element of the array is passed to a
 * callback as soon as its last byte has arrived. The element itself is not validated; use
 * json_print() for that. The rest of the object, with an empty array, is called the
 * frame.
 *
 * Memory use does not depend on the size of the page: the reader stores at most one item
 * and the frame, and both have a maximum.
 */
struct json_items;

struct json_items_handlers {
	/*
	 * Called for each element. `raw` is valid only during the call; `offset` is the
	 * element's position in the page, in bytes. Returns 0, or a negative errno with
	 * which the page fails.
	 */
	int (*on_item)(void *ctx, const char *raw, size_t len, size_t offset);
};

/*
 * Creates a reader for items of at most `item_max` bytes and frames of at most
 * `frame_max` bytes. `handlers` is copied; `ctx` is passed to the handlers. Free the
 * reader with json_items_free(). Returns 0 or -ENOMEM.
 */
int json_items_new(size_t item_max, size_t frame_max,
	const struct json_items_handlers *handlers, void *ctx,
	struct json_items **ret_items);
void json_items_free(struct json_items *items);

/* Prepares the reader for a new page and keeps its memory for reuse. */
void json_items_reset(struct json_items *items);

/*
 * Reads the next bytes of the page, which may be split anywhere. Returns 0, -EBADMSG if
 * they do not belong to a page of items (see json_items_error()), -EMSGSIZE if an item or
 * the frame exceeds its maximum, -ENOMEM, or the error that on_item() returned. After a
 * failure json_items_feed() and json_items_finish() return the same error until
 * json_items_reset(). on_item() must not call any function on `items`.
 */
int json_items_feed(struct json_items *items, const char *data, size_t len);

/*
 * Ends the page and returns its frame, for example {"next":null,"items":[]}. The frame is
 * validated JSON, NUL-terminated, and owned by `items`: it is valid until the next call
 * of json_items_reset() or json_items_free(). Returns 0, -EBADMSG if the page is
 * incomplete, has no array "items", or is followed by more data, or an earlier failure.
 */
int json_items_finish(struct json_items *items, const char **ret_frame, size_t *ret_len);

/*
 * Returns the reason of the last failure and its offset in the page, owned by `items`. If
 * on_item() failed, the offset is that of the item; json_print() finds the error inside
 * it.
 */
const struct json_error *json_items_error(const struct json_items *items);
