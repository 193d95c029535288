/* SPDX-License-Identifier: MIT */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "loop/loop.h"

/*
 * What http.c has with the loop beyond its public contract: the transfers. The loop owns
 * the one CURLM; an easy handle belongs to whoever made it, and is the loop's to drive
 * between loop_transfer_add() and loop_transfer_remove().
 */
struct loop_transfer {
	CURL *easy;
	/* libcurl is through with it; called outside of libcurl, still added. */
	void (*ended)(struct loop_transfer *transfer, CURLcode code);
};

/* Takes CURLOPT_PRIVATE. Not from a libcurl callback. 0, -ENOMEM. */
int loop_transfer_add(struct loop *loop, struct loop_transfer *transfer);

/* From then on `ended` is not called. Not from a libcurl callback. */
void loop_transfer_remove(struct loop *loop, struct loop_transfer *transfer);

/*
 * A transfer whose callback gave CURL_WRITEFUNC_PAUSE goes on; its callbacks may be
 * called at once, and may pause it again. Not from a libcurl callback. Where it fails,
 * some of what came in is lost: the transfer is to be removed. CURLE_ABORTED_BY_CALLBACK
 * says that its connection is spoilt, too, for all that is under way on it.
 */
CURLcode loop_transfer_resume(struct loop *loop, struct loop_transfer *transfer);

/* libcurl is on the stack: its handles can be neither added, removed nor freed. */
bool loop_in_libcurl(const struct loop *loop);

/* At most so many connections, idle or in use, outlast the end of a transfer. */
void loop_keep_connections(struct loop *loop, int connections_max);
