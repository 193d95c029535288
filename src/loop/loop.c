/* SPDX-License-Identifier: MIT */
#include "loop/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop/curl_memory.h"
#include "loop/loop_transfer.h"

/*
 * The timeout of poll(2) does not advance while the machine is suspended: a wait of 30 s
 * may have 29 s left when the laptop is opened an hour later. A timerfd on CLOCK_BOOTTIME
 * ends such a wait in time. We do not use it for waits shorter than this.
 */
enum { ALARM_LEAST_MS = 500 };

struct loop_fd {
	int fd;
	bool used;
	bool ready; /* readable in this turn */
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	const struct clock *clock;
	CURLM *multi;
	int alarm_fd; /* a timerfd on CLOCK_BOOTTIME that ends long waits */
	bool in_libcurl;
	bool stopping;
	uint64_t turns;
	struct loop_fd fds[LOOP_FDS_MAX];
	struct list timers; /* sorted by due_ms, equal ones in the order of setting */
	struct list tasks;  /* in the order of posting */
	void (*hook)(void *ctx);
	void *hook_ctx;
};

int loop_new(const struct clock *clock, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	if (curl_memory_init())
		goto no_curl;
	loop->multi = curl_multi_init();
	if (!loop->multi)
		goto no_multi;
	loop->alarm_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->alarm_fd < 0)
		goto no_alarm;
	loop->clock = clock;
	list_init(&loop->timers);
	list_init(&loop->tasks);
	*ret_loop = loop;
	return 0;

no_alarm:
	curl_multi_cleanup(loop->multi);
no_multi:
	curl_global_cleanup();
no_curl:
	free(loop);
	return -ENOMEM;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->alarm_fd);
	curl_multi_cleanup(loop->multi);
	curl_global_cleanup();
	free(loop);
}

uint64_t loop_turns(const struct loop *loop)
{
	return loop->turns;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return clock_mono_ms(loop->clock);
}

const struct clock *loop_clock(const struct loop *loop)
{
	return loop->clock;
}

int loop_add_fd(struct loop *loop, int fd, void (*fn)(void *ctx), void *ctx)
{
	for (int i = 0; i < LOOP_FDS_MAX; i++) {
		if (loop->fds[i].used)
			continue;
		loop->fds[i] = (struct loop_fd){
			.fd = fd, .used = true, .fn = fn, .ctx = ctx};
		return 0;
	}
	return -ENOSPC;
}

void loop_remove_fd(struct loop *loop, int fd)
{
	for (int i = 0; i < LOOP_FDS_MAX; i++) {
		if (loop->fds[i].used && loop->fds[i].fd == fd)
			loop->fds[i] = (struct loop_fd){0};
	}
}

void loop_timer_init(struct loop_timer *timer, void (*fn)(void *ctx), void *ctx)
{
	list_init(&timer->link);
	timer->fn = fn;
	timer->ctx = ctx;
}

/* Searches from the end: most timers have the same delay, so a new one is mostly last. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms)
{
	list_remove(&timer->link);
	timer->due_ms = due_ms;

	struct list *before = loop->timers.prev;

	while (before != &loop->timers &&
		list_entry(before, struct loop_timer, link)->due_ms > due_ms)
		before = before->prev;
	list_append(before->next, &timer->link);
}

void loop_timer_cancel(struct loop_timer *timer)
{
	list_remove(&timer->link);
}

bool loop_timer_is_set(const struct loop_timer *timer)
{
	return !list_empty(&timer->link);
}

void loop_task_init(struct loop_task *task, void (*fn)(void *ctx), void *ctx)
{
	list_init(&task->link);
	task->fn = fn;
	task->ctx = ctx;
}

void loop_task_post(struct loop *loop, struct loop_task *task)
{
	if (list_empty(&task->link))
		list_append(&loop->tasks, &task->link);
}

void loop_task_cancel(struct loop_task *task)
{
	list_remove(&task->link);
}

void loop_set_hook(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	loop->hook = fn;
	loop->hook_ctx = ctx;
}

int loop_transfer_add(struct loop *loop, struct loop_transfer *transfer)
{
	if (curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer))
		return -ENOMEM;
	return curl_multi_add_handle(loop->multi, transfer->easy) ? -ENOMEM : 0;
}

/* A libcurl callback that rejects all data. */
static size_t loop_refuse(char *data, size_t size, size_t count, void *ctx)
{
	(void)data, (void)size, (void)count, (void)ctx;
	return CURL_WRITEFUNC_ERROR;
}

/*
 * Works around curl issue 10971: with HTTP/2, libcurl 7.88 does not always free the data
 * that a paused transfer has buffered. We resume it with callbacks that reject the data.
 */
static void loop_drop_paused(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, loop_refuse);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, loop_refuse);
	curl_easy_pause(easy, CURLPAUSE_CONT);
}

void loop_transfer_remove(struct loop *loop, struct loop_transfer *transfer)
{
	loop_drop_paused(transfer->easy);
	curl_multi_remove_handle(loop->multi, transfer->easy);
}

CURLcode loop_transfer_resume(struct loop *loop, struct loop_transfer *transfer)
{
	loop->in_libcurl = true;

	CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);

	loop->in_libcurl = false;
	return code;
}

bool loop_in_libcurl(const struct loop *loop)
{
	return loop->in_libcurl;
}

void loop_keep_connections(struct loop *loop, int connections_max)
{
	curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)connections_max);
}

/* Returns the maximum time this turn may wait, in milliseconds. */
static int loop_wait_ms(const struct loop *loop, int max_ms)
{
	if (!list_empty(&loop->tasks))
		return 0;

	int64_t wait = max_ms < 0 ? INT_MAX : max_ms;

	if (list_empty(&loop->timers))
		return (int)wait;

	int64_t left = list_entry(loop->timers.next, struct loop_timer, link)->due_ms -
		       loop_now_ms(loop);

	if (left < 0)
		return 0;
	return (int)(left < wait ? left : wait);
}

/*
 * Sets the alarm to end a wait of `ms` milliseconds. Returns false if the wait does not
 * need it or it cannot be set.
 */
static bool loop_set_alarm(struct loop *loop, int ms)
{
	const struct itimerspec spec = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}};

	if (list_empty(&loop->timers) || ms < ALARM_LEAST_MS)
		return false;
	/* This also clears an earlier expiration. */
	return timerfd_settime(loop->alarm_fd, 0, &spec, NULL) == 0;
}

static int loop_wait_for_news(struct loop *loop, int max_ms)
{
	struct curl_waitfd waited[LOOP_FDS_MAX + 1];
	struct loop_fd *owner[LOOP_FDS_MAX];
	unsigned count = 0;
	int ms = loop_wait_ms(loop, max_ms);

	for (int i = 0; i < LOOP_FDS_MAX; i++) {
		if (!loop->fds[i].used)
			continue;
		waited[count] = (struct curl_waitfd){
			.fd = loop->fds[i].fd, .events = CURL_WAIT_POLLIN};
		owner[count++] = &loop->fds[i];
	}

	bool alarm = loop_set_alarm(loop, ms);

	if (alarm)
		waited[count] = (struct curl_waitfd){
			.fd = loop->alarm_fd, .events = CURL_WAIT_POLLIN};

	CURLMcode code = curl_multi_poll(loop->multi, waited, count + alarm, ms, NULL);

	/* If libcurl had no memory for its list, it did not poll; the next turn will. */
	if (code && code != CURLM_OUT_OF_MEMORY)
		return -EIO;
	for (unsigned i = 0; i < count; i++)
		owner[i]->ready = waited[i].revents != 0;
	return 0;
}

static int loop_drive_transfers(struct loop *loop)
{
	CURLMcode code;
	CURLMsg *message;
	int left;

	loop->in_libcurl = true;
	code = curl_multi_perform(loop->multi, &left);
	loop->in_libcurl = false;
	if (code)
		return -EIO;

	while ((message = curl_multi_info_read(loop->multi, &left))) {
		struct loop_transfer *transfer = NULL;
		CURLcode result = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		transfer->ended(transfer, result);
	}
	return 0;
}

static void loop_tell_descriptors(struct loop *loop)
{
	for (int i = 0; i < LOOP_FDS_MAX; i++) {
		struct loop_fd *slot = &loop->fds[i];

		/* If an earlier callback removed or replaced it, `ready` is false. */
		if (slot->ready)
			slot->fn(slot->ctx);
	}
}

static void loop_fire_timers(struct loop *loop)
{
	int64_t now = loop_now_ms(loop);
	struct list due;

	/* Move them to a separate list: timers set from now on fire in the next turn. */
	list_init(&due);
	while (!list_empty(&loop->timers)) {
		struct list *first = loop->timers.next;

		if (list_entry(first, struct loop_timer, link)->due_ms > now)
			break;
		list_remove(first);
		list_append(&due, first);
	}
	while (!list_empty(&due)) {
		struct loop_timer *timer = list_entry(due.next, struct loop_timer, link);

		list_remove(&timer->link);
		timer->fn(timer->ctx);
	}
}

static void loop_run_tasks(struct loop *loop)
{
	while (!list_empty(&loop->tasks)) {
		struct loop_task *task = list_entry(
			loop->tasks.next, struct loop_task, link);

		list_remove(&task->link);
		task->fn(task->ctx);
	}
}

int loop_turn(struct loop *loop, int max_ms)
{
	loop->turns++;

	int err = loop_wait_for_news(loop, max_ms);

	if (err)
		return err;
	err = loop_drive_transfers(loop);
	if (err)
		return err;
	loop_tell_descriptors(loop);
	loop_fire_timers(loop);
	loop_run_tasks(loop);
	if (loop->hook)
		loop->hook(loop->hook_ctx);
	return 0;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	while (!err && !loop->stopping)
		err = loop_turn(loop, -1);
	loop->stopping = false;
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}
