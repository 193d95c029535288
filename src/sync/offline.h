/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * While the API is out of reach and the option offline_ok is set, the cache is shown
 * (SEMANTICS 7.5). No reader waits for the API; it is tried again in the background.
 *
 *   ONLINE   an attempt does not reach the API (no connection, TLS refused, silence)
 *              -> OFFLINE: readers that wait for a cached listing or job get it; all
 *                 others wait until timeout
 *   OFFLINE  a reader comes
 *              gets the cache, or -EHOSTUNREACH if nothing is cached; if the last attempt
 *              is OFFLINE_RETRY_MS old, a small request, the probe, is sent
 *            the API answers the probe or another call
 *              -> ONLINE: the next reader is shown the account as it is
 */
enum { OFFLINE_RETRY_MS = 10 * 1000 };

/* Starts in OFFLINE if sync_config.offline says so. */
void offline_init(struct sync *sync);

/* Cancels the probe. */
void offline_done(struct sync *sync);

/* True if the API has been found out of reach. Always false without offline_ok. */
bool offline_is(const struct sync *sync);

/* Like offline_is(), for a reader: sends a probe if the API is out of reach and it is
 * due. */
bool offline_check(struct sync *sync);

/*
 * True if a call that failed with `error` did not reach the API, and the cache may be
 * shown instead.
 */
bool offline_means(const struct sync *sync, int error);

/*
 * Source for a listing of which nothing is cached while the API is out of reach: readers
 * get -EHOSTUNREACH until it is reachable again. Its begin() returns -ENOENT if it is.
 */
extern const struct listing_source source_unreachable;

/* The API was found out of reach: wakes the readers that can be shown the cache. */
void listings_go_offline(struct sync *sync);
void job_fetches_go_offline(struct sync *sync);
