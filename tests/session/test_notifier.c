/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cmocka.h"

#include "fs/internal.h"
#include "fs/notify.h"
#include "mount.h"

/* fs/notify.h: the queue of notifications, and the answers of the kernel to them. */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t main;
	int error; /* errno with which the thread's notifications fail; 0: none does */
	unsigned refused;
} kernel_is = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

/* From now on, the notifier's notifications fail with `error`; 0: none does. */
static void refuse_notices(int error)
{
	pthread_mutex_lock(&kernel_is.lock);
	kernel_is.main = pthread_self();
	kernel_is.error = error;
	kernel_is.refused = 0;
	pthread_mutex_unlock(&kernel_is.lock);
}

/* Waits until the notifier has tried in vain to send `count` notifications. */
static void await_refused(unsigned count)
{
	pthread_mutex_lock(&kernel_is.lock);
	while (kernel_is.refused < count)
		pthread_cond_wait(&kernel_is.changed, &kernel_is.lock);
	pthread_mutex_unlock(&kernel_is.lock);
}

/* Replaces the C library's function, with which fs/session.c sends messages. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
	pthread_mutex_lock(&kernel_is.lock);

	int error = pthread_equal(pthread_self(), kernel_is.main) ? 0 : kernel_is.error;

	kernel_is.refused += error != 0;
	pthread_cond_signal(&kernel_is.changed);
	pthread_mutex_unlock(&kernel_is.lock);
	if (!error)
		return syscall(SYS_writev, fd, parts, count);
	errno = error;
	return -1;
}

/*
 * The notifier counts the texts of nodes that the kernel does not know, but no names. It
 * sends in order, so the attempt to send the last name shows that the text was counted.
 */
static void only_unknown_texts_are_counted(void **state)
{
	struct mount *mount = mount_new();
	struct notifier *notifier = mount->fs->notifier;

	(void)state;
	refuse_notices(ENOENT);
	for (int i = 0; i < 3; i++)
		notifier_forget_name(notifier, FUSE_ROOT_ID, "unknown");
	assert_int_equal(notifier_store(notifier, 4711, strdup("text"), 4), 0);
	notifier_forget_name(notifier, FUSE_ROOT_ID, "unknown");
	await_refused(5);
	assert_int_equal(notifier_unknown(notifier), 1);
	assert_int_equal(notifier_unknown(notifier), 0);
	refuse_notices(0);
	mount_free(mount);
}

/* A text that cannot be sent for another reason is not counted. */
static void other_errors_are_not_counted(void **state)
{
	struct mount *mount = mount_new();
	struct notifier *notifier = mount->fs->notifier;

	(void)state;
	refuse_notices(ENOMEM);
	assert_int_equal(notifier_store(notifier, 4711, strdup("text"), 4), 0);
	notifier_forget_name(notifier, FUSE_ROOT_ID, "unknown");
	await_refused(2);
	assert_int_equal(notifier_unknown(notifier), 0);
	refuse_notices(0);
	mount_free(mount);
}

/*
 * SEMANTICS 7.3.4: only notifications in the queue count, so that a mount that has sent
 * more than it holds still sends each.
 */
static void sent_ones_do_not_count(void **state)
{
	/* A refresh invalidates the six names in the root. */
	enum { NAMES = 6, MORE_THAN_THE_QUEUE_HOLDS = 70 * 1000 };
	struct mount *mount = mount_new();
	struct kernel_notice notice;

	(void)state;
	for (int sent = 0; sent < MORE_THAN_THE_QUEUE_HOLDS; sent += NAMES) {
		fs_refresh(mount->fs);
		for (int i = 0; i < NAMES; i++)
			kernel_next_notice(mount->kernel, &notice);
	}
	mount_free(mount);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_unknown_texts_are_counted),
		cmocka_unit_test(other_errors_are_not_counted),
		cmocka_unit_test(sent_ones_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
