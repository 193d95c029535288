/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cmocka.h"

#include "loop/loop.h"

enum { WATCHDOG_S = 60 };

struct fixture;

struct thing {
	struct fixture *fixture;
	char name;
	int fd;
	struct loop_timer timer;
	struct loop_task task;
	struct thing *other;
};

struct fixture {
	struct clock clock;
	int64_t now_ms;
	struct loop *loop;
	char calls[64]; /* names of the things that were called, in order */
	size_t calls_len;
	struct thing things[8];
};

static int64_t fake_ms(void *ctx)
{
	return ((struct fixture *)ctx)->now_ms;
}

static void note(struct fixture *fixture, char name)
{
	assert_true(fixture->calls_len + 1 < sizeof(fixture->calls));
	fixture->calls[fixture->calls_len++] = name;
	fixture->calls[fixture->calls_len] = '\0';
}

static void record(void *ctx)
{
	struct thing *thing = ctx;

	note(thing->fixture, thing->name);
}

/* Expects these calls since the last assert_calls(). */
#define assert_calls(fixture, names)                            \
	do {                                                    \
		assert_string_equal((fixture)->calls, (names)); \
		(fixture)->calls[0] = '\0';                     \
		(fixture)->calls_len = 0;                       \
	} while (0)

static int set_up(void **state)
{
	struct fixture *fixture = test_calloc(1, sizeof(*fixture));

	fixture->clock = (struct clock){
		.mono_ms = fake_ms, .wall_ms = fake_ms, .ctx = fixture};
	fixture->now_ms = 1000;
	for (int i = 0; i < 8; i++) {
		struct thing *thing = &fixture->things[i];

		*thing = (struct thing){
			.fixture = fixture, .name = (char)('a' + i), .fd = -1};
		loop_timer_init(&thing->timer, record, thing);
		loop_task_init(&thing->task, record, thing);
	}
	assert_int_equal(loop_new(&fixture->clock, &fixture->loop), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	loop_free(fixture->loop);
	test_free(fixture);
	return 0;
}

static void turn_at(struct fixture *fixture, int64_t now_ms)
{
	fixture->now_ms = now_ms;
	assert_int_equal(loop_turn(fixture->loop, 0), 0);
}

static void knows_its_clock(void **state)
{
	struct fixture *fixture = *state;

	fixture->now_ms = 4711;
	assert_int_equal(loop_now_ms(fixture->loop), 4711);
	assert_ptr_equal(loop_clock(fixture->loop), &fixture->clock);
}

static void timers_fire_in_order_of_due_then_of_setting(void **state)
{
	struct fixture *fixture = *state;
	static const int64_t due[] = {1030, 1010, 1020, 1010, 1030, 999, 1010, 1040};

	for (int i = 0; i < 8; i++)
		loop_timer_set(fixture->loop, &fixture->things[i].timer, due[i]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "f");
	turn_at(fixture, 1009);
	assert_calls(fixture, "");
	turn_at(fixture, 1035);
	assert_calls(fixture, "bdgcae");
	assert_false(loop_timer_is_set(&fixture->things[0].timer));
	assert_true(loop_timer_is_set(&fixture->things[7].timer));
	turn_at(fixture, 5000);
	assert_calls(fixture, "h");
	turn_at(fixture, 9000);
	assert_calls(fixture, "");
}

static void timers_move_and_are_cancelled(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	loop_timer_set(fixture->loop, &things[0].timer, 1010);
	loop_timer_set(fixture->loop, &things[1].timer, 1020);
	loop_timer_set(fixture->loop, &things[2].timer, 1030);
	loop_timer_set(fixture->loop, &things[0].timer, 1025);
	loop_timer_cancel(&things[1].timer);
	loop_timer_cancel(&things[1].timer);
	assert_false(loop_timer_is_set(&things[1].timer));
	turn_at(fixture, 1020);
	assert_calls(fixture, "");
	turn_at(fixture, 1100);
	assert_calls(fixture, "ac");
}

static void cancel_other_timer(void *ctx)
{
	struct thing *thing = ctx;

	record(thing);
	loop_timer_cancel(&thing->other->timer);
}

static void a_timer_cancels_another_that_is_due_too(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	things[0].other = &things[1];
	loop_timer_init(&things[0].timer, cancel_other_timer, &things[0]);
	for (int i = 0; i < 3; i++)
		loop_timer_set(fixture->loop, &things[i].timer, 1010);
	turn_at(fixture, 1010);
	assert_calls(fixture, "ac");
	turn_at(fixture, 2000);
	assert_calls(fixture, "");
}

static void set_again_at_once(void *ctx)
{
	struct thing *thing = ctx;

	record(thing);
	loop_timer_set(thing->fixture->loop, &thing->timer, thing->fixture->now_ms);
	loop_timer_set(thing->fixture->loop, &thing->other->timer, 5000);
}

static void what_a_timer_sets_waits_for_the_next_turn(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	things[0].other = &things[1];
	loop_timer_init(&things[0].timer, set_again_at_once, &things[0]);
	loop_timer_set(fixture->loop, &things[0].timer, 1010);
	loop_timer_set(fixture->loop, &things[1].timer, 1010);
	turn_at(fixture, 1010);
	assert_calls(fixture, "a");
	/* If a timer is due, the turn does not wait. */
	alarm(WATCHDOG_S);
	assert_int_equal(loop_turn(fixture->loop, -1), 0);
	alarm(0);
	assert_calls(fixture, "a");
	loop_timer_cancel(&things[0].timer);
	turn_at(fixture, 5000);
	assert_calls(fixture, "b");
}

static void a_turn_waits_for_the_nearest_timer_only(void **state)
{
	struct fixture *fixture = *state;

	fixture->clock = clock_system;

	int64_t began = loop_now_ms(fixture->loop);

	loop_timer_set(fixture->loop, &fixture->things[0].timer, began + 3600 * 1000);
	loop_timer_set(fixture->loop, &fixture->things[1].timer, began + 20);
	alarm(WATCHDOG_S);
	while (fixture->calls_len == 0)
		assert_int_equal(loop_turn(fixture->loop, -1), 0);
	alarm(0);
	assert_calls(fixture, "b");
	assert_true(loop_now_ms(fixture->loop) >= began + 20);
	loop_timer_cancel(&fixture->things[0].timer);
}

static void post_other_task(void *ctx)
{
	struct thing *thing = ctx;

	record(thing);
	loop_task_post(thing->fixture->loop, &thing->other->task);
}

static void tasks_run_once_in_order_and_those_they_post_too(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	things[0].other = &things[3];
	loop_task_init(&things[0].task, post_other_task, &things[0]);
	loop_task_post(fixture->loop, &things[2].task);
	loop_task_post(fixture->loop, &things[0].task);
	loop_task_post(fixture->loop, &things[2].task);
	loop_task_post(fixture->loop, &things[1].task);
	loop_task_post(fixture->loop, &things[4].task);
	loop_task_cancel(&things[4].task);
	/* If a task is posted, the turn does not wait. */
	alarm(WATCHDOG_S);
	assert_int_equal(loop_turn(fixture->loop, -1), 0);
	alarm(0);
	assert_calls(fixture, "cabd");
	turn_at(fixture, 1000);
	assert_calls(fixture, "");
	loop_task_post(fixture->loop, &things[2].task);
	turn_at(fixture, 1000);
	assert_calls(fixture, "c");
}

static void read_event(void *ctx)
{
	struct thing *thing = ctx;
	uint64_t value;

	record(thing);
	assert_int_equal(read(thing->fd, &value, sizeof(value)), sizeof(value));
}

static void add_event(struct thing *thing, void (*fn)(void *ctx))
{
	thing->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(thing->fd >= 0);
	assert_int_equal(loop_add_fd(thing->fixture->loop, thing->fd, fn, thing), 0);
}

static void remove_event(struct thing *thing)
{
	loop_remove_fd(thing->fixture->loop, thing->fd);
	close(thing->fd);
}

static void readable_descriptors_are_reported_until_they_are_read(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;
	uint64_t one = 1;

	add_event(&things[0], record);
	add_event(&things[1], read_event);
	turn_at(fixture, 1000);
	turn_at(fixture, 1000);
	assert_calls(fixture, "aba");
	remove_event(&things[0]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "");
	assert_int_equal(write(things[1].fd, &one, sizeof(one)), sizeof(one));
	alarm(WATCHDOG_S);
	assert_int_equal(loop_turn(fixture->loop, -1), 0);
	alarm(0);
	assert_calls(fixture, "b");
	remove_event(&things[1]);
}

/*
 * Hang-ups and errors are reported even if there is nothing to read. A FUSE device
 * reports an error after unmounting.
 */
static void hang_up_and_error_are_reported_too(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;
	int to_hang_up[2];
	int to_fail[2];

	assert_int_equal(pipe(to_hang_up), 0);
	assert_int_equal(pipe(to_fail), 0);
	assert_int_equal(
		loop_add_fd(fixture->loop, to_hang_up[0], record, &things[0]), 0);
	assert_int_equal(loop_add_fd(fixture->loop, to_fail[1], record, &things[1]), 0);
	turn_at(fixture, 1000);
	assert_calls(fixture, "");
	close(to_hang_up[1]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "a");
	loop_remove_fd(fixture->loop, to_hang_up[0]);
	close(to_fail[0]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "b");
	loop_remove_fd(fixture->loop, to_fail[1]);
	close(to_hang_up[0]);
	close(to_fail[1]);
}

static void replace_other(void *ctx)
{
	struct thing *thing = ctx;

	record(thing);
	remove_event(thing->other);
	remove_event(thing);
	add_event(&thing->fixture->things[6], record);
	add_event(&thing->fixture->things[7], record);
}

/*
 * A descriptor that was removed is not reported any more. One that was added in its place
 * is not reported before the next turn.
 */
static void descriptors_change_while_they_are_reported(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	things[0].other = &things[1];
	add_event(&things[0], replace_other);
	add_event(&things[1], record);
	add_event(&things[2], record);
	turn_at(fixture, 1000);
	assert_calls(fixture, "ac");
	turn_at(fixture, 1000);
	assert_calls(fixture, "ghc");
	remove_event(&things[2]);
	remove_event(&things[6]);
	remove_event(&things[7]);
}

/* SEMANTICS 11.3: the number of descriptors has a maximum. */
static void descriptors_have_a_maximum(void **state)
{
	struct fixture *fixture = *state;
	struct thing *thing = &fixture->things[0];

	for (int i = 0; i < LOOP_FDS_MAX; i++)
		assert_int_equal(loop_add_fd(fixture->loop, i, record, thing), 0);
	assert_int_equal(loop_add_fd(fixture->loop, 100, record, thing), -ENOSPC);
	loop_remove_fd(fixture->loop, 3);
	assert_int_equal(loop_add_fd(fixture->loop, 100, record, thing), 0);
}

static void a_turn_keeps_its_order(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	loop_set_hook(fixture->loop, record, &things[0]);
	loop_task_post(fixture->loop, &things[1].task);
	loop_timer_set(fixture->loop, &things[2].timer, 1000);
	add_event(&things[3], record);
	turn_at(fixture, 1000);
	assert_calls(fixture, "dcba");
	remove_event(&things[3]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "a");
	loop_set_hook(fixture->loop, NULL, NULL);
	turn_at(fixture, 1000);
	assert_calls(fixture, "");
}

static void what_the_hook_posts_runs_in_the_next_turn(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	things[0].other = &things[1];
	loop_set_hook(fixture->loop, post_other_task, &things[0]);
	turn_at(fixture, 1000);
	assert_calls(fixture, "a");
	alarm(WATCHDOG_S);
	assert_int_equal(loop_turn(fixture->loop, -1), 0);
	alarm(0);
	assert_calls(fixture, "ba");
	loop_task_cancel(&things[1].task);
}

static void stop_and_record(void *ctx)
{
	struct thing *thing = ctx;

	record(thing);
	loop_stop(thing->fixture->loop);
}

static void stop_lets_the_turn_run_to_its_end(void **state)
{
	struct fixture *fixture = *state;
	struct thing *things = fixture->things;

	alarm(WATCHDOG_S);
	loop_set_hook(fixture->loop, record, &things[0]);
	loop_timer_init(&things[1].timer, stop_and_record, &things[1]);
	loop_timer_set(fixture->loop, &things[1].timer, 1000);
	loop_task_post(fixture->loop, &things[2].task);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_calls(fixture, "bca");

	loop_stop(fixture->loop);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_calls(fixture, "");

	loop_timer_set(fixture->loop, &things[1].timer, 1000);
	assert_int_equal(loop_run(fixture->loop), 0);
	assert_calls(fixture, "ba");
	alarm(0);
}

#define loop_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(knows_its_clock),
		loop_test(timers_fire_in_order_of_due_then_of_setting),
		loop_test(timers_move_and_are_cancelled),
		loop_test(a_timer_cancels_another_that_is_due_too),
		loop_test(what_a_timer_sets_waits_for_the_next_turn),
		loop_test(a_turn_waits_for_the_nearest_timer_only),
		loop_test(tasks_run_once_in_order_and_those_they_post_too),
		loop_test(readable_descriptors_are_reported_until_they_are_read),
		loop_test(hang_up_and_error_are_reported_too),
		loop_test(descriptors_change_while_they_are_reported),
		loop_test(descriptors_have_a_maximum),
		loop_test(a_turn_keeps_its_order),
		loop_test(what_the_hook_posts_runs_in_the_next_turn),
		loop_test(stop_lets_the_turn_run_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
