/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "json/pretty_print.h"

/*
 * Cuts the items out of a page while it streams in. A page is a JSON object with a
 * member "items", an array; the members may stand in any order. Each element's bytes are
 * handed out as soon as its last byte is there, unchecked inside (json_print() checks
 * them); the object around them, with the array left empty, is kept as the "frame".
 *
 * Memory: one item and the frame, each with a maximum, whatever the page's size.
 */
struct json_items;

struct json_items_handlers {
	/*
	 * One element: `raw` is valid during the call only, `offset` is where it starts
	 * in the page. A negative errno ends the page with that error.
	 */
	int (*on_item)(void *ctx, const char *raw, size_t len, size_t offset);
};

/*
 * `item_max` and `frame_max` in bytes; `handlers` is copied, `ctx` kept by reference. 0
 * or -ENOMEM. Freed with json_items_free().
 */
int json_items_new(size_t item_max, size_t frame_max,
	const struct json_items_handlers *handlers, void *ctx,
	struct json_items **ret_items);
void json_items_free(struct json_items *items);

/* Begins a new page; keeps the memory. */
void json_items_reset(struct json_items *items);

/*
 * The next bytes of the page, cut anywhere. 0; -EBADMSG where this cannot be such a page
 * (see json_items_error()); -EMSGSIZE where an item or the frame passes its maximum;
 * -ENOMEM; or what on_item gave. A failure is final: until json_items_reset() feed and
 * finish give it again. on_item must not call back into `items`.
 */
int json_items_feed(struct json_items *items, const char *data, size_t len);

/*
 * The page has ended. 0 and the frame (owned by `items`, NUL-terminated, checked to be
 * JSON), e.g. {"next":null,"items":[]}; -EBADMSG where the page was cut short, has
 * anything after its end, or no array "items".
 */
int json_items_finish(struct json_items *items, const char **ret_frame, size_t *ret_len);

/*
 * After a failure: why, and at which offset of the page. Where on_item failed that is
 * where the item starts; what is wrong inside it json_print() knows.
 */
const struct json_error *json_items_error(const struct json_items *items);
