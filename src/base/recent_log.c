/* SPDX-License-Identifier: MIT */
#include "base/recent_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct recent_log_line {
	int64_t wall_ms;
	char text[RECENT_LOG_TEXT_MAX];
};

struct recent_log {
	const struct clock *clock;
	pthread_mutex_t lock;
	/* Protected by the lock: */
	uint64_t count; /* lines added since the start; the next goes to count % size */
	struct recent_log_line ring[RECENT_LOG_MAX];
};

int recent_log_new(const struct clock *clock, struct recent_log **ret_recent_log)
{
	struct recent_log *recent_log = calloc(1, sizeof(*recent_log));

	if (!recent_log)
		return -ENOMEM;
	recent_log->clock = clock;
	pthread_mutex_init(&recent_log->lock, NULL);
	*ret_recent_log = recent_log;
	return 0;
}

void recent_log_free(struct recent_log *recent_log)
{
	if (!recent_log)
		return;
	pthread_mutex_destroy(&recent_log->lock);
	free(recent_log);
}

void recent_log_add(struct recent_log *recent_log, const char *text)
{
	pthread_mutex_lock(&recent_log->lock);

	struct recent_log_line *to =
		&recent_log->ring[recent_log->count++ % RECENT_LOG_MAX];

	to->wall_ms = clock_wall_ms(recent_log->clock);
	(void)snprintf(to->text, sizeof(to->text), "%s", text);
	for (char *c = to->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	pthread_mutex_unlock(&recent_log->lock);
}

void recent_log_each(struct recent_log *recent_log,
	void (*fn)(void *ctx, int64_t wall_ms, const char *text), void *ctx)
{
	pthread_mutex_lock(&recent_log->lock);

	uint64_t count = recent_log->count;

	for (uint64_t i = count > RECENT_LOG_MAX ? count - RECENT_LOG_MAX : 0; i < count;
		i++) {
		const struct recent_log_line *one = &recent_log->ring[i % RECENT_LOG_MAX];

		fn(ctx, one->wall_ms, one->text);
	}
	pthread_mutex_unlock(&recent_log->lock);
}
