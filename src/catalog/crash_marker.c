/* SPDX-License-Identifier: MIT */
#include "crash_marker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remote.h"

/*
 * The mark is a line "HOST ID", empty where all is on the disk, and one with a number
 * that each mount raises: who takes the mark back sees that nobody came meanwhile. All
 * users hold a shared lock on it. Its length never changes: it is written in place, which
 * a disk that is busy with other files' data does not hold up.
 */
enum {
	MARK_SIZE = 256,
	/* SIGTERM ends the program within a second (SPEC 1.5). */
	CLOSE_MS = 500,
};

struct mark {
	char boot[DIRTY_BOOT_SIZE];
	unsigned long number;
};

static bool read_boot(char boot[static DIRTY_BOOT_SIZE])
{
	struct utsname system;
	char id[64];
	CLEANUP_CLOSE int fd = open(
		"/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, id, sizeof(id) - 1);

	if (len <= 0 || uname(&system) < 0)
		return false;
	id[len] = '\0';
	id[strcspn(id, "\n")] = '\0';
	return snprintf(boot, DIRTY_BOOT_SIZE, "%s %s", system.nodename, id) <
	       DIRTY_BOOT_SIZE;
}

/* One that is cut or senseless is none. */
static void read_mark(int fd, struct mark *mark)
{
	char text[MARK_SIZE + 1];
	ssize_t len = pread(fd, text, MARK_SIZE, 0);

	*mark = (struct mark){0};
	if (len != MARK_SIZE)
		return;
	text[len] = '\0';

	size_t end = strcspn(text, "\n");

	if (end >= DIRTY_BOOT_SIZE)
		return;
	memcpy(mark->boot, text, end);
	mark->number = strtoul(text + end, NULL, 10);
}

static int write_mark(int fd, const struct mark *mark)
{
	char text[MARK_SIZE] = "";

	(void)snprintf(text, sizeof(text), "%s\n%lu\n", mark->boot, mark->number);
	return pwrite(fd, text, MARK_SIZE, 0) == MARK_SIZE ? 0 : -EIO;
}

/*
 * Whether several machines may use what is there (statfs(2)). What is on a disk of this
 * one only its own kernel can have in use, whatever name it has: a container may have a
 * new one at each start.
 */
static bool is_shared(int fd)
{
	const char *type;

	return remote_type(fd, &type) < 0 || type;
}

/* Of boots "HOST ID": another one of the same kernel's. */
static bool is_earlier(const char *marked, const char *boot, bool shared)
{
	const char *marked_id = strrchr(marked, ' ');
	const char *id = strrchr(boot, ' ');

	if (!marked_id || !id || !strcmp(marked_id, id))
		return false;
	return !shared || (marked_id - marked == id - boot &&
				  !strncmp(marked, boot, (size_t)(id - boot)));
}

static int sync_dir(const struct place *place)
{
	CLEANUP_CLOSE int fd = place_open_dir(place);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? -errno : 0;
}

static int open_mark(struct dirty *dirty, const struct place *place)
{
	CLEANUP_FREE char *name = NULL;

	if (asprintf(&name, "%s-boot", place->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	dirty->fd = openat(place->dir, name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (dirty->fd < 0)
		return -errno;

	int err = place_flock(dirty->fd, LOCK_SH);

	/* Where locks do not work, it is never taken back. */
	return err == -EWOULDBLOCK ? err : 0;
}

int dirty_open(
	struct dirty *dirty, const struct place *place, const char *boot, bool *ret_cut)
{
	struct mark mark;

	*dirty = (struct dirty){.fd = -1};
	*ret_cut = false;
	if (boot)
		(void)snprintf(dirty->boot, sizeof(dirty->boot), "%s", boot);
	else if (!read_boot(dirty->boot))
		return 0;
	if (!dirty->boot[0])
		return 0;

	int err = open_mark(dirty, place);

	if (err)
		return err;
	read_mark(dirty->fd, &mark);
	*ret_cut = is_earlier(mark.boot, dirty->boot, is_shared(dirty->fd));
	return 0;
}

int dirty_set(struct dirty *dirty, const struct place *place)
{
	struct mark mark;

	if (dirty->fd < 0)
		return 0;

	bool is_new = lseek(dirty->fd, 0, SEEK_END) < MARK_SIZE;

	read_mark(dirty->fd, &mark);
	memcpy(mark.boot, dirty->boot, sizeof(mark.boot));
	mark.number++;

	int err = write_mark(dirty->fd, &mark);

	if (!err && fdatasync(dirty->fd) < 0)
		err = -errno;
	if (!err && is_new)
		err = sync_dir(place);
	dirty->is_set = !err;
	return err;
}

int dirty_doubt(const struct dirty *dirty, bool doubt)
{
	const char *id = strrchr(dirty->boot, ' ');
	struct mark mark;

	if (dirty->fd < 0 || !id)
		return -ENOTSUP;
	read_mark(dirty->fd, &mark);
	memcpy(mark.boot, dirty->boot, sizeof(mark.boot));
	/* As an earlier start of this machine would have left it. */
	if (doubt)
		mark.boot[id - dirty->boot + 1] = '\0';
	return write_mark(dirty->fd, &mark);
}

/* The directory, too: a journal that came back would be taken for the database's. */
static void take_back(int mark_fd, const struct place *place)
{
	struct mark before, now;
	CLEANUP_CLOSE int fd = openat(
		place->dir, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	read_mark(mark_fd, &before);
	if (fd < 0 || fdatasync(fd) < 0 || sync_dir(place) < 0 ||
		flock(mark_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	read_mark(mark_fd, &now);
	if (now.number == before.number)
		write_mark(mark_fd, &(struct mark){.number = now.number});
	flock(mark_fd, LOCK_UN);
	fdatasync(mark_fd);
}

/* The child keeps nothing else open: neither the mount nor who reads what is said. */
static _Noreturn void be_child(int mark_fd, int end, const struct place *place)
{
	struct place kept = *place;

	kept.dir = STDERR_FILENO;
	if (dup2(mark_fd, STDIN_FILENO) == STDIN_FILENO &&
		dup2(end, STDOUT_FILENO) == STDOUT_FILENO &&
		dup2(place->dir, STDERR_FILENO) == STDERR_FILENO &&
		close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
		take_back(STDIN_FILENO, &kept);
	_exit(0);
}

void dirty_close(struct dirty *dirty, const struct place *place)
{
	int ends[2];

	if (dirty->fd < 0)
		return;
	if (dirty->is_set && pipe2(ends, O_CLOEXEC) == 0) {
		pid_t child = fork();

		if (child == 0)
			be_child(dirty->fd, ends[1], place);
		/* The other end is closed when the child has ended. */
		close(ends[1]);
		poll(&(struct pollfd){.fd = ends[0]}, 1, CLOSE_MS);
		close(ends[0]);
		if (child > 0)
			waitpid(child, NULL, WNOHANG);
	}
	close(dirty->fd);
	dirty->fd = -1;
}
