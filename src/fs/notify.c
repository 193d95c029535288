/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "gladia/filename.h"

/*
 * More than usually changes between two refreshes. If more has changed, it is cheaper for
 * the kernel to forget all names.
 */
enum { NOTES_MAX = 1 << 16 };

struct note {
	struct list link;
	int (*send)(struct fuse_session *session, const struct note *note);
	uint64_t node; /* directory of a name or of attributes, or file of a text */
	char *data;    /* name or text, allocated with malloc() */
	size_t len;
};

struct notifier {
	struct fuse_session *session;
	pthread_t thread;
	bool ended; /* the thread has been joined */
	pthread_mutex_t lock;
	pthread_cond_t news;
	/* Protected by `lock`: */
	struct list notes;
	unsigned notes_len;
	size_t texts_size; /* total length of the queued texts */
	unsigned unknown;  /* texts whose node the kernel did not know */
	bool stopping;
};

static int notify_send_name(struct fuse_session *session, const struct note *note)
{
	return fuse_lowlevel_notify_inval_entry(
		session, note->node, note->data, note->len);
}

/* A negative offset keeps what the kernel has cached of the directory's contents. */
static int notify_send_attr(struct fuse_session *session, const struct note *note)
{
	return fuse_lowlevel_notify_inval_inode(session, note->node, -1, 0);
}

static int notify_send_text(struct fuse_session *session, const struct note *note)
{
	struct fuse_bufvec text = FUSE_BUFVEC_INIT(note->len);

	text.buf[0].mem = note->data;
	return fuse_lowlevel_notify_store(
		session, note->node, 0, &text, FUSE_BUF_NO_SPLICE);
}

static void notify_note_free(struct note *note)
{
	free(note->data);
	free(note);
}

/*
 * Creates a notification. Takes ownership of `data`, even on failure. Returns NULL if
 * `data` is NULL or memory is short.
 */
static struct note *notify_note_new(
	int (*send)(struct fuse_session *session, const struct note *note), uint64_t node,
	char *data, size_t len)
{
	struct note *note = data ? malloc(sizeof(*note)) : NULL;

	if (!note) {
		free(data);
		return NULL;
	}
	*note = (struct note){.send = send, .node = node, .data = data, .len = len};
	return note;
}

/*
 * Removes the oldest notification from the queue. Returns NULL if there is none. The
 * caller holds `lock`.
 */
static struct note *notify_take_note(struct notifier *notifier)
{
	if (list_empty(&notifier->notes))
		return NULL;

	struct note *note = list_entry(notifier->notes.next, struct note, link);

	list_remove(&note->link);
	notifier->notes_len--;
	if (note->send == notify_send_text)
		notifier->texts_size -= note->len;
	return note;
}

/* Queues a notification. If the queue is full, frees it and returns false. */
static bool notify_add_note(struct notifier *notifier, struct note *note)
{
	size_t size = note->send == notify_send_text ? note->len : 0;
	bool room;

	pthread_mutex_lock(&notifier->lock);
	room = notifier->notes_len < NOTES_MAX &&
	       (!size || notifier->texts_size < NOTIFIER_STORE_MAX);
	if (room) {
		list_append(&notifier->notes, &note->link);
		notifier->notes_len++;
		notifier->texts_size += size;
		pthread_cond_signal(&notifier->news);
	}
	pthread_mutex_unlock(&notifier->lock);
	if (!room)
		notify_note_free(note);
	return room;
}

/* Waits for the next notification. Returns NULL if the thread is to end. */
static struct note *notify_wait_for_note(struct notifier *notifier)
{
	struct note *note = NULL;

	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stopping && !(note = notify_take_note(notifier)))
		pthread_cond_wait(&notifier->news, &notifier->lock);
	pthread_mutex_unlock(&notifier->lock);
	return note;
}

static void notify_count_unknown(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->unknown++;
	pthread_mutex_unlock(&notifier->lock);
}

/*
 * Gives the thread a table of descriptors of its own, with nothing in it but another
 * /dev/fuse of the same mount, under the same number.
 *
 * Otherwise a process that is killed while the kernel blocks this thread would never end.
 * The kernel blocks the thread until certain requests are answered, and it fails those
 * only when the descriptor they were read from is closed, which the thread would keep
 * open.
 *
 * If that is not possible, or if the session is not a device (fs_serve()), the thread
 * continues to share the table of the process.
 */
static void notify_get_own_device(int session)
{
	uint32_t which = (uint32_t)session;
	CLEANUP_CLOSE int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0 || ioctl(device, FUSE_DEV_IOC_CLONE, &which) < 0 ||
		unshare(CLONE_FILES) < 0)
		return;
	if (dup3(device, session, O_CLOEXEC) < 0)
		return;
	if (session > 0)
		close_range(0, (unsigned)session - 1, 0);
	close_range((unsigned)session + 1, ~0u, 0);
	device = -1;
}

static void *notify_run(void *ctx)
{
	struct notifier *notifier = ctx;
	struct note *note;

	notify_get_own_device(fuse_session_fd(notifier->session));
	while ((note = notify_wait_for_note(notifier))) {
		int err = note->send(notifier->session, note);

		/* It is normal that the kernel does not know a node or a name. */
		if (err == -ENOENT && note->send == notify_send_text)
			notify_count_unknown(notifier);
		notify_note_free(note);
	}
	return NULL;
}

/*
 * Starts the thread with all signals blocked: they are for the thread of the event loop.
 */
static int notify_start_thread(struct notifier *notifier)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	int err = pthread_create(&notifier->thread, NULL, notify_run, notifier);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int notifier_new(struct fuse_session *session, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return -ENOMEM;
	notifier->session = session;
	list_init(&notifier->notes);
	pthread_mutex_init(&notifier->lock, NULL);
	pthread_cond_init(&notifier->news, NULL);

	int err = notify_start_thread(notifier);

	if (err) {
		notifier->ended = true;
		notifier_free(notifier);
		return err;
	}
	*ret_notifier = notifier;
	return 0;
}

bool notifier_forget_name(struct notifier *notifier, uint64_t parent, const char *name)
{
	struct note *note = notify_note_new(
		notify_send_name, parent, strdup(name), strlen(name));

	return note && notify_add_note(notifier, note);
}

bool notifier_forget_attr(struct notifier *notifier, uint64_t dir)
{
	struct note *note = notify_note_new(notify_send_attr, dir, strdup(""), 0);

	return note && notify_add_note(notifier, note);
}

void notifier_drop_names(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	list_for_each_safe (link, &notifier->notes) {
		struct note *note = list_entry(link, struct note, link);

		if (note->send != notify_send_name)
			continue;
		list_remove(link);
		notifier->notes_len--;
		notify_note_free(note);
	}
	pthread_mutex_unlock(&notifier->lock);
}

int notifier_store(struct notifier *notifier, uint64_t node, char *text, size_t len)
{
	struct note *note = notify_note_new(notify_send_text, node, text, len);

	if (!note)
		return -ENOMEM;
	return notify_add_note(notifier, note) ? 0 : -ENOBUFS;
}

unsigned notifier_unknown(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);

	unsigned unknown = notifier->unknown;

	notifier->unknown = 0;
	pthread_mutex_unlock(&notifier->lock);
	return unknown;
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
		notify_note_free(list_entry(link, struct note, link));
	pthread_cond_destroy(&notifier->news);
	pthread_mutex_destroy(&notifier->lock);
	free(notifier);
}
