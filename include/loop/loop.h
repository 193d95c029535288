/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"

/*
 * The event loop: one curl_multi_poll() waits for the transfers, for the descriptors
 * added here and for the nearest timer. One thread owns a loop and calls all of this; no
 * other may. A turn is: wait, transfers, descriptors, timers, tasks, the hook. It waits
 * only where no task is posted, and nothing else in here waits.
 *
 * The process must ignore SIGPIPE (TLS libraries write without MSG_NOSIGNAL).
 */
struct loop;

/* `clock` is kept by reference. To be made after the last fork(). 0, -ENOMEM. */
int loop_new(const struct clock *clock, struct loop **ret_loop);

/* All timers and tasks must be cancelled, all transfers be freed. */
void loop_free(struct loop *loop);

/* How many turns have begun. */
uint64_t loop_turns(const struct loop *loop);

/* Milliseconds, as clock_mono_ms(). */
int64_t loop_now_ms(const struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);

/*
 * Calls fn(ctx) in each turn in which `fd` is readable (level-triggered), was hung up or
 * has an error. At most LOOP_FDS_MAX descriptors; -ENOSPC beyond. fn may add and remove
 * descriptors, its own included; one removed is not called any more.
 */
enum { LOOP_FDS_MAX = 8 };
int loop_add_fd(struct loop *loop, int fd, void (*fn)(void *ctx), void *ctx);
void loop_remove_fd(struct loop *loop, int fd);

/*
 * A timer lives in its owner. Once: when it fires it is already cancelled. Setting one is
 * quick where it comes last or nearly (it is sought from the end), else O(timers).
 */
struct loop_timer {
	struct list link;
	int64_t due_ms;
	void (*fn)(void *ctx);
	void *ctx;
};

void loop_timer_init(struct loop_timer *timer, void (*fn)(void *ctx), void *ctx);

/*
 * Fires in the first turn at or after `due_ms`, those due together in order of due_ms,
 * then of setting; a set timer is moved. One set by a timer fires in the next turn at the
 * earliest.
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms);

/* Does nothing to a timer that is not set. */
void loop_timer_cancel(struct loop_timer *timer);
bool loop_timer_is_set(const struct loop_timer *timer);

/* A task lives in its owner: runs once at the end of this turn, in order of posting. */
struct loop_task {
	struct list link;
	void (*fn)(void *ctx);
	void *ctx;
};

void loop_task_init(struct loop_task *task, void (*fn)(void *ctx), void *ctx);

/*
 * Does nothing to a task already posted. A task posted by a task runs in this turn too
 * (so none may post itself for ever), one posted by the hook in the next.
 */
void loop_task_post(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop_task *task);

/* Called at the very end of every turn; NULL for none. */
void loop_set_hook(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* One turn, waiting at most `max_ms` (-1: until something happens). 0 or -EIO. */
int loop_turn(struct loop *loop, int max_ms);

/*
 * Turns until loop_stop(), which lets the turn it is called in run to its end; called
 * before, it makes the next loop_run() return at once. 0 or the error of a turn.
 */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
