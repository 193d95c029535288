/* SPDX-License-Identifier: MIT */
#pragma once

#include "internal.h"

/*
 * While the API is out of reach and offline_ok is set, what is known is shown (SPEC 7.5).
 *
 *   ONLINE   an attempt finds nobody (no connection, TLS refused, silence) -> OFFLINE:
 *              listings under way are filled with what is known (known.c), who waits for
 *              a job that is known is shown it; all else goes on trying, until timeout
 *   OFFLINE  a look comes within OFFLINE_RETRY_MS of the last try: what is known, at
 *              once; else -EHOSTUNREACH, at once
 *            a look comes later: PROBING
 *   PROBING  a small request is sent, and who looks waits for it
 *              an answer comes, whatever it says  -> ONLINE, as if nothing had been
 *              none does within OFFLINE_WAIT_MS   -> OFFLINE; the probe goes on
 */
enum { OFFLINE_RETRY_MS = 10 * 1000, OFFLINE_WAIT_MS = 1000 };

/* Starts OFFLINE where the configuration says so. */
void offline_init(struct sync *sync);
void offline_done(struct sync *sync);

/* Has the API been found out of reach? Never without offline_ok. */
bool offline_is(const struct sync *sync);

/* ... and would a look now try again? */
bool offline_is_due(const struct sync *sync);

/*
 * For who looks while offline_is(): shall it wait for a probe, which is begun if there is
 * none? known_settle() or single_settle() will tell when it has waited enough.
 */
bool offline_may_wait(struct sync *sync);

/* Is this how calls fail that have reached nobody? */
bool offline_means(const struct sync *sync, int error);

/* Has known_settle() and single_settle() called at the end of the turn. */
void offline_post(struct sync *sync);

/*
 * Fills a listing with what is known of its query: of the complete listings that hold its
 * jobs, in memory or kept by the catalog, the one that was read last. begin() gives
 * -ENOENT where the API is not out of reach.
 */
extern const struct filler filler_known;

/* All listings go on as the state is now. */
void known_settle(struct sync *sync);

/* The same for jobs by their id (single.c). */
void single_settle(struct sync *sync);
