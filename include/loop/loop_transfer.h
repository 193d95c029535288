/* SPDX-License-Identifier: MIT */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "loop/loop.h"

/*
 * Transfers of libcurl, the part of the event loop's interface that only http/ uses. The
 * loop owns the CURLM handle. The caller owns each easy handle; the loop drives it
 * between loop_transfer_add() and loop_transfer_remove().
 */
struct loop_transfer {
	CURL *easy;
	/*
	 * Called when libcurl has finished the transfer, but not from within libcurl. The
	 * transfer is still added.
	 */
	void (*ended)(struct loop_transfer *transfer, CURLcode code);
};

/*
 * Starts a transfer. The loop uses CURLOPT_PRIVATE of the easy handle. Must not be called
 * from a libcurl callback. Returns 0 or -ENOMEM.
 */
int loop_transfer_add(struct loop *loop, struct loop_transfer *transfer);

/*
 * Removes a transfer, finished or not; `ended` is not called after that. Must not be
 * called from a libcurl callback.
 */
void loop_transfer_remove(struct loop *loop, struct loop_transfer *transfer);

/*
 * Resumes a transfer whose callback returned CURL_WRITEFUNC_PAUSE. Its callbacks may be
 * called before this returns, and may pause it again. Must not be called from a libcurl
 * callback.
 *
 * Returns CURLE_OK or an error. After an error some of the received data is lost, and the
 * caller must remove the transfer. After CURLE_ABORTED_BY_CALLBACK its connection is
 * unusable as well, for all transfers on it.
 */
CURLcode loop_transfer_resume(struct loop *loop, struct loop_transfer *transfer);

/*
 * True if the caller runs within a libcurl callback. Easy handles can then not be added,
 * removed or freed.
 */
bool loop_in_libcurl(const struct loop *loop);

/*
 * Sets the maximum number of connections, idle or in use, that libcurl keeps open when a
 * transfer ends.
 */
void loop_keep_connections(struct loop *loop, int connections_max);
