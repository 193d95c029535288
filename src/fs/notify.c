/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "gladia/name.h"

/* Many times what changes between two looks; past that the kernel does not listen. */
enum { NOTES_MAX = 1 << 20 };

struct note {
	struct list link;
	uint64_t parent;
	char name[];
};

struct notifier {
	struct fuse_session *session;
	const struct log *log;
	pthread_t thread;
	bool ended; /* the thread was joined */
	pthread_mutex_t lock;
	pthread_cond_t news;
	/* Under the lock: */
	struct list notes;
	unsigned notes_len;
	bool stopping;
};

/* The next note, or NULL when it is to end. */
static struct note *wait_for_note(struct notifier *notifier)
{
	struct note *note = NULL;

	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stopping && list_empty(&notifier->notes))
		pthread_cond_wait(&notifier->news, &notifier->lock);
	if (!notifier->stopping) {
		note = list_entry(notifier->notes.next, struct note, link);
		list_remove(&note->link);
		notifier->notes_len--;
	}
	pthread_mutex_unlock(&notifier->lock);
	return note;
}

static void *run(void *ctx)
{
	struct notifier *notifier = ctx;
	struct note *note;

	while ((note = wait_for_note(notifier))) {
		/* -ENOENT: the kernel does not know it, and that is all right. */
		fuse_lowlevel_notify_inval_entry(
			notifier->session, note->parent, note->name, strlen(note->name));
		free(note);
	}
	return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct notifier *notifier)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	int err = pthread_create(&notifier->thread, NULL, run, notifier);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int notifier_new(struct fuse_session *session, const struct log *log,
	struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return -ENOMEM;
	notifier->session = session;
	notifier->log = log;
	list_init(&notifier->notes);
	pthread_mutex_init(&notifier->lock, NULL);
	pthread_cond_init(&notifier->news, NULL);

	int err = start_thread(notifier);

	if (err) {
		notifier->ended = true;
		notifier_free(notifier);
		return err;
	}
	*ret_notifier = notifier;
	return 0;
}

void notifier_forget_name(struct notifier *notifier, uint64_t parent, const char *name)
{
	size_t size = strlen(name) + 1;
	struct note *note = malloc(sizeof(*note) + size);
	bool room;

	if (!note) {
		log_error(notifier->log,
			"out of memory: the kernel may show %s for too long", name);
		return;
	}
	note->parent = parent;
	memcpy(note->name, name, size);
	pthread_mutex_lock(&notifier->lock);
	room = notifier->notes_len < NOTES_MAX;
	if (room) {
		list_append(&notifier->notes, &note->link);
		notifier->notes_len++;
		pthread_cond_signal(&notifier->news);
	}
	pthread_mutex_unlock(&notifier->lock);
	if (!room)
		free(note);
}

bool notifier_stop(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->stopping = true;
	pthread_cond_signal(&notifier->news);
	pthread_mutex_unlock(&notifier->lock);
	if (!notifier->ended)
		notifier->ended = pthread_tryjoin_np(notifier->thread, NULL) == 0;
	return notifier->ended;
}

void notifier_free(struct notifier *notifier)
{
	list_for_each_safe (link, &notifier->notes)
		free(list_entry(link, struct note, link));
	pthread_cond_destroy(&notifier->news);
	pthread_mutex_destroy(&notifier->lock);
	free(notifier);
}
