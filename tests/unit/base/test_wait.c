/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cmocka.h"

#include "base/wait.h"

/* Linked lists and queues of waiters, on which SEMANTICS 11.2 depends. */

enum { MOST = 4 };

struct scene;

/* A waiter that counts its wake-ups and can call a function when it is woken. */
struct actor {
	struct waiter waiter;
	struct scene *scene;
	void (*act)(struct actor *actor);
	int wakeups;
	int error;
};

struct scene {
	struct wait_queue queue;
	struct wait_queue other;
	struct actor actors[MOST];
	int order[2 * MOST];
	int len;
};

static void on_wake(struct waiter *waiter, int error)
{
	struct actor *actor = list_entry(waiter, struct actor, waiter);
	struct scene *scene = actor->scene;

	actor->wakeups++;
	actor->error = error;
	assert_true(scene->len < 2 * MOST);
	scene->order[scene->len++] = (int)(actor - scene->actors);
	assert_true(list_empty(&waiter->link));
	if (actor->act)
		actor->act(actor);
}

static void set_up(struct scene *scene, int waiting)
{
	*scene = (struct scene){0};
	wait_queue_init(&scene->queue);
	wait_queue_init(&scene->other);
	for (int i = 0; i < MOST; i++) {
		scene->actors[i].scene = scene;
		waiter_init(&scene->actors[i].waiter, on_wake);
		if (i < waiting)
			wait_enter(&scene->queue, &scene->actors[i].waiter);
	}
}

static void test_woken_once_in_order(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, MOST);
	assert_false(wait_queue_empty(&scene.queue));
	wait_wake(&scene.queue, -ETIMEDOUT);
	assert_true(wait_queue_empty(&scene.queue));
	assert_int_equal(scene.len, MOST);
	for (int i = 0; i < MOST; i++) {
		assert_int_equal(scene.order[i], i);
		assert_int_equal(scene.actors[i].error, -ETIMEDOUT);
	}
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.len, MOST);
}

static void test_leave(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, 3);
	wait_leave(&scene.actors[1].waiter);
	wait_leave(&scene.actors[1].waiter);
	wait_leave(&scene.actors[3].waiter);
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.len, 2);
	assert_int_equal(scene.actors[1].wakeups, 0);
}

/* A waiter is in one queue at a time: the one that it entered last. */
static void test_enter_moves(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, 2);
	wait_enter(&scene.other, &scene.actors[0].waiter);
	wait_enter(&scene.queue, &scene.actors[1].waiter);
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.actors[0].wakeups, 0);
	assert_int_equal(scene.actors[1].wakeups, 1);
	wait_wake(&scene.other, 0);
	assert_int_equal(scene.actors[0].wakeups, 1);
}

static void enter_again(struct actor *actor)
{
	wait_enter(&actor->scene->queue, &actor->waiter);
}

/* A waiter that enters the queue again from its callback waits for the next wake-up. */
static void test_enter_while_woken(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, 2);
	scene.actors[0].act = enter_again;
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.actors[0].wakeups, 1);
	assert_int_equal(scene.actors[1].wakeups, 1);
	assert_false(wait_queue_empty(&scene.queue));
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.actors[0].wakeups, 2);
	assert_int_equal(scene.actors[1].wakeups, 1);
}

static void make_next_leave(struct actor *actor)
{
	wait_leave(&actor->scene->actors[1].waiter);
}

static void test_leave_while_others_are_woken(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, 3);
	scene.actors[0].act = make_next_leave;
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.actors[0].wakeups, 1);
	assert_int_equal(scene.actors[1].wakeups, 0);
	assert_int_equal(scene.actors[2].wakeups, 1);
}

static void wake_same(struct actor *actor)
{
	wait_wake(&actor->scene->queue, -EIO);
}

/* A nested wait_wake() wakes no waiter: the outer call has already taken them all. */
static void test_wake_while_woken(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, 3);
	scene.actors[0].act = wake_same;
	wait_wake(&scene.queue, 0);
	assert_int_equal(scene.len, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(scene.actors[i].error, 0);
}

struct thing {
	int number;
	struct list link;
};

static void test_list(void **state)
{
	struct list head;
	struct list other;
	struct thing things[3] = {{.number = 1}, {.number = 2}, {.number = 4}};
	int sum = 0;

	(void)state;
	list_init(&head);
	list_take(&other, &head);
	assert_true(list_empty(&other));
	for (int i = 0; i < 3; i++)
		list_append(&head, &things[i].link);
	list_for_each (link, &head)
		sum = sum * 10 + list_entry(link, struct thing, link)->number;
	assert_int_equal(sum, 124);
	list_take(&other, &head);
	assert_true(list_empty(&head));
	list_for_each_safe (link, &other) {
		if (list_entry(link, struct thing, link)->number == 2)
			list_remove(link);
	}
	assert_ptr_equal(other.next, &things[0].link);
	assert_ptr_equal(other.prev, &things[2].link);
	list_for_each_safe (link, &other)
		list_remove(link);
	assert_true(list_empty(&other));
	list_remove(&things[0].link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_woken_once_in_order),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_enter_moves),
		cmocka_unit_test(test_enter_while_woken),
		cmocka_unit_test(test_leave_while_others_are_woken),
		cmocka_unit_test(test_wake_while_woken),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
