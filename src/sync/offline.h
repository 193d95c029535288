/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * While the API is out of reach and the option offline_ok is set, the cache is shown
 * (SEMANTICS 7.5).
 *
 *   ONLINE   an attempt does not reach the API (no connection, TLS refused, silence)
 *              -> OFFLINE: listings in progress are filled from the cache
 *                 (select_cached.c), and requests that wait for a cached job get it; all
 *                 others go on trying until timeout
 *   OFFLINE  a reader comes within OFFLINE_RETRY_MS of the last attempt
 *              -> gets the cache at once, or -EHOSTUNREACH if nothing is cached
 *            a reader comes later
 *              -> PROBING
 *   PROBING  a small request is sent, and readers wait for it
 *              any answer arrives -> ONLINE, as before the failure
 *              no answer within OFFLINE_WAIT_MS -> OFFLINE; the probe continues
 */
enum { OFFLINE_RETRY_MS = 10 * 1000, OFFLINE_WAIT_MS = 1000 };

/* Starts in OFFLINE if sync_config.offline says so. */
void offline_init(struct sync *sync);

/* Cancels the probe and all timers. */
void offline_done(struct sync *sync);

/* True if the API has been found out of reach. Always false without offline_ok. */
bool offline_is(const struct sync *sync);

/* True if the API is out of reach and the next reader may try it again. */
bool offline_is_due(const struct sync *sync);

/*
 * Decides, while offline_is(), whether a reader waits for the probe; starts one if it is
 * due and none is in flight. Returns true if the reader waits: select_cached_settle() or
 * job_fetch_settle() is called when the probe has ended or OFFLINE_WAIT_MS are over.
 */
bool offline_may_wait(struct sync *sync);

/*
 * True if a call that failed with `error` did not reach the API, and the cache may be
 * shown instead.
 */
bool offline_means(const struct sync *sync, int error);

/* Calls select_cached_settle() and job_fetch_settle() at the end of this turn of the
 * event loop. */
void offline_post(struct sync *sync);

/*
 * Source that fills a listing from the cache: from the newest complete listing, in memory
 * or saved in the catalog, that contains its jobs. Its begin() returns -ENOENT if the API
 * is not out of reach.
 */
extern const struct listing_source select_cached;

/* Continues all listings according to whether the API is in reach now. */
void select_cached_settle(struct sync *sync);

/* Continues all job fetches according to whether the API is in reach now. */
void job_fetch_settle(struct sync *sync);
