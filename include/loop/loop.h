/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"

/*
 * The event loop. A single curl_multi_poll() waits for libcurl's transfers, for the
 * descriptors added with loop_add_fd() and for the next timer. All functions must be
 * called by the thread that owns the loop.
 *
 * Each turn of the loop waits for an event, then handles transfers, descriptors, timers
 * and tasks in this order, and finally calls the hook. It does not wait if a task is
 * posted. Only loop_turn() and loop_run() block.
 *
 * The process must ignore SIGPIPE, because TLS libraries write without MSG_NOSIGNAL.
 */
struct loop;

/*
 * Creates a loop. Call it after the last fork(). `clock` must stay valid as long as the
 * loop exists. Returns 0 or -ENOMEM.
 */
int loop_new(const struct clock *clock, struct loop **ret_loop);

/*
 * Frees the loop; does nothing if it is NULL. All timers and tasks must have been
 * cancelled and all transfers removed.
 */
void loop_free(struct loop *loop);

/* Returns the number of turns that have started, including the current one. */
uint64_t loop_turns(const struct loop *loop);

/* Returns clock_mono_ms() of the loop's clock. */
int64_t loop_now_ms(const struct loop *loop);

/* Returns the clock that was passed to loop_new(). */
const struct clock *loop_clock(const struct loop *loop);

/* Maximum number of descriptors in a loop. */
enum { LOOP_FDS_MAX = 8 };

/*
 * Adds a descriptor: fn(ctx) is called in each turn in which `fd` is readable
 * (level-triggered), was hung up or has an error. fn may add and remove descriptors, even
 * its own; after loop_remove_fd() it is not called again. The descriptor is not closed by
 * the loop. Returns 0, or -ENOSPC if there are LOOP_FDS_MAX descriptors already.
 */
int loop_add_fd(struct loop *loop, int fd, void (*fn)(void *ctx), void *ctx);
void loop_remove_fd(struct loop *loop, int fd);

/*
 * A one-shot timer, embedded in the struct that owns it. Setting one takes constant time
 * if few timers are due later, otherwise time linear in their number.
 */
struct loop_timer {
	struct list link;
	int64_t due_ms;
	void (*fn)(void *ctx);
	void *ctx;
};

/* Initializes a timer that is not set. */
void loop_timer_init(struct loop_timer *timer, void (*fn)(void *ctx), void *ctx);

/*
 * Sets a timer, or moves it if it is set already. It fires in the first turn at or after
 * `due_ms` on the clock of loop_now_ms(). Timers that are due in the same turn fire in
 * order of due_ms, then in the order in which they were set. A timer set by the callback
 * of another one fires in the next turn at the earliest.
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms);

/* Cancels a timer; does nothing if it is not set. */
void loop_timer_cancel(struct loop_timer *timer);

/* True if the timer is set and has not fired. It is no longer set when fn is called. */
bool loop_timer_is_set(const struct loop_timer *timer);

/* A function call deferred to the end of a turn, embedded in the struct that owns it. */
struct loop_task {
	struct list link;
	void (*fn)(void *ctx);
	void *ctx;
};

/* Initializes a task that is not posted. */
void loop_task_init(struct loop_task *task, void (*fn)(void *ctx), void *ctx);

/*
 * Posts a task: it runs once, at the end of the current turn, in the order of posting.
 * Does nothing if it is posted already. A task that is posted by another task still runs
 * in the same turn, so no task may post itself forever. A task posted by the hook runs in
 * the next turn.
 */
void loop_task_post(struct loop *loop, struct loop_task *task);

/* Cancels a task; does nothing if it is not posted. */
void loop_task_cancel(struct loop_task *task);

/* Sets a function that is called at the very end of every turn; NULL for none. */
void loop_set_hook(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/*
 * Runs one turn. Waits for an event for at most `max_ms` milliseconds, or without limit
 * if that is -1. Returns 0 or -EIO.
 */
int loop_turn(struct loop *loop, int max_ms);

/* Runs turns until loop_stop() is called or a turn fails. Returns 0 or its error. */
int loop_run(struct loop *loop);

/*
 * Makes loop_run() return at the end of the current turn. If loop_run() is not running,
 * its next call returns at once.
 */
void loop_stop(struct loop *loop);
