/* SPDX-License-Identifier: MIT */
#include "base/recent_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct sentence {
	int64_t wall_ms;
	char text[SENTENCES_TEXT_MAX];
};

struct sentences {
	const struct clock *clock;
	pthread_mutex_t lock;
	/* Protected by the lock: */
	uint64_t count; /* lines added since the start; the next goes to count % size */
	struct sentence ring[SENTENCES_MAX];
};

int sentences_new(const struct clock *clock, struct sentences **ret_sentences)
{
	struct sentences *sentences = calloc(1, sizeof(*sentences));

	if (!sentences)
		return -ENOMEM;
	sentences->clock = clock;
	pthread_mutex_init(&sentences->lock, NULL);
	*ret_sentences = sentences;
	return 0;
}

void sentences_free(struct sentences *sentences)
{
	if (!sentences)
		return;
	pthread_mutex_destroy(&sentences->lock);
	free(sentences);
}

void sentences_add(struct sentences *sentences, const char *text)
{
	pthread_mutex_lock(&sentences->lock);

	struct sentence *to = &sentences->ring[sentences->count++ % SENTENCES_MAX];

	to->wall_ms = clock_wall_ms(sentences->clock);
	(void)snprintf(to->text, sizeof(to->text), "%s", text);
	for (char *c = to->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	pthread_mutex_unlock(&sentences->lock);
}

void sentences_each(struct sentences *sentences,
	void (*fn)(void *ctx, int64_t wall_ms, const char *text), void *ctx)
{
	pthread_mutex_lock(&sentences->lock);

	uint64_t count = sentences->count;

	for (uint64_t i = count > SENTENCES_MAX ? count - SENTENCES_MAX : 0; i < count;
		i++) {
		const struct sentence *one = &sentences->ring[i % SENTENCES_MAX];

		fn(ctx, one->wall_ms, one->text);
	}
	pthread_mutex_unlock(&sentences->lock);
}
