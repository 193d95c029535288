/* SPDX-License-Identifier: MIT */
/*
 * Reads, writes and clears the crash marker.
 */
#include "crash_marker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * The marker has two lines. The first one is the id of the boot in which the database is
 * in use, or empty if all data is on the disk. The second one is a number that each
 * mount increments, so that a process that is about to clear the marker notices if
 * another mount has opened the database in the meantime. Each mount holds a shared lock
 * on the marker. Its length never changes and it is written in place, so that a disk that
 * is busy writing other files does not delay it.
 */
enum {
	MARK_SIZE = 256,
	/* Short enough that SIGTERM ends the program within a second (SEMANTICS 1.5). */
	CLOSE_MS = 500,
};

/* The content of the marker. */
struct mark {
	char boot[CRASH_MARKER_BOOT_SIZE]; /* id of the boot, or "" if it is cleared */
	unsigned long number;              /* incremented by each mount */
};

/* Reads the id of the current boot. Returns false if it is not known. */
static bool marker_read_boot(char boot[static CRASH_MARKER_BOOT_SIZE])
{
	CLEANUP_CLOSE int fd = open(
		"/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, boot, CRASH_MARKER_BOOT_SIZE - 1);

	if (len <= 0)
		return false;
	boot[len] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return true;
}

/* Reads the marker. If it is incomplete or malformed, it counts as cleared. */
static void marker_read_mark(int fd, struct mark *mark)
{
	char text[MARK_SIZE + 1];
	ssize_t len = pread(fd, text, MARK_SIZE, 0);

	*mark = (struct mark){0};
	if (len != MARK_SIZE)
		return;
	text[len] = '\0';

	size_t end = strcspn(text, "\n");

	if (end >= CRASH_MARKER_BOOT_SIZE)
		return;
	memcpy(mark->boot, text, end);
	mark->number = strtoul(text + end, NULL, 10);
}

static int marker_write_mark(int fd, const struct mark *mark)
{
	char text[MARK_SIZE] = "";

	(void)snprintf(text, sizeof(text), "%s\n%lu\n", mark->boot, mark->number);
	return pwrite(fd, text, MARK_SIZE, 0) == MARK_SIZE ? 0 : -EIO;
}

/*
 * True if `marked` is another boot than `boot`. Older versions wrote "HOST ID"; what
 * counts is the id.
 */
static bool marker_is_earlier(const char *marked, const char *boot)
{
	const char *space = strrchr(marked, ' ');

	return *marked && strcmp(space ? space + 1 : marked, boot) != 0;
}

/* Syncs the directory of the database. Returns 0 or a negative errno. */
static int marker_sync_dir(const struct db_file *place)
{
	CLEANUP_CLOSE int fd = place_open_dir(place);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? -errno : 0;
}

/* Opens or creates the marker and locks it. Returns 0 or a negative errno. */
static int marker_open_mark(struct crash_marker *marker, const struct db_file *place)
{
	CLEANUP_FREE char *name = NULL;

	if (asprintf(&name, "%s-boot", place->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	marker->fd = openat(place->dir, name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (marker->fd < 0)
		return -errno;

	int err = db_file_flock(marker->fd, LOCK_SH);

	/* If the filesystem has no locks we go on; the marker is then never cleared. */
	return err == -EWOULDBLOCK ? err : 0;
}

int crash_marker_open(struct crash_marker *marker, const struct db_file *place,
	const char *boot, bool *ret_cut)
{
	struct mark mark;

	*marker = (struct crash_marker){.fd = -1};
	*ret_cut = false;
	if (boot)
		(void)snprintf(marker->boot, sizeof(marker->boot), "%s", boot);
	else if (!marker_read_boot(marker->boot))
		return 0;
	if (!marker->boot[0] || place->is_remote)
		return 0;

	int err = marker_open_mark(marker, place);

	if (err)
		return err;
	marker_read_mark(marker->fd, &mark);
	*ret_cut = marker_is_earlier(mark.boot, marker->boot);
	return 0;
}

int crash_marker_set(struct crash_marker *marker, const struct db_file *place)
{
	struct mark mark;

	if (marker->fd < 0)
		return 0;

	bool is_new = lseek(marker->fd, 0, SEEK_END) < MARK_SIZE;

	marker_read_mark(marker->fd, &mark);
	memcpy(mark.boot, marker->boot, sizeof(mark.boot));
	mark.number++;

	int err = marker_write_mark(marker->fd, &mark);

	if (!err && fdatasync(marker->fd) < 0)
		err = -errno;
	if (!err && is_new)
		err = marker_sync_dir(place);
	marker->is_set = !err;
	return err;
}

int crash_marker_doubt(const struct crash_marker *marker, bool doubt)
{
	struct mark mark;

	if (marker->fd < 0)
		return -ENOTSUP;
	marker_read_mark(marker->fd, &mark);
	/* It then looks as if an earlier boot had left the marker. */
	(void)snprintf(mark.boot, sizeof(mark.boot), "%s", doubt ? "none" : marker->boot);
	return marker_write_mark(marker->fd, &mark);
}

/*
 * Syncs the database and clears the marker, unless another mount uses the database. We
 * also sync the directory: if the deletion of a journal were lost, SQLite would apply
 * that journal to the database.
 */
static void marker_take_back(int mark_fd, const struct db_file *place)
{
	struct mark before, now;
	CLEANUP_CLOSE int fd = openat(
		place->dir, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	marker_read_mark(mark_fd, &before);
	if (fd < 0 || fdatasync(fd) < 0 || marker_sync_dir(place) < 0 ||
		flock(mark_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	marker_read_mark(mark_fd, &now);
	if (now.number == before.number)
		marker_write_mark(mark_fd, &(struct mark){.number = now.number});
	flock(mark_fd, LOCK_UN);
	fdatasync(mark_fd);
}

/*
 * Runs in the child process. Closes every descriptor that it does not need, so that it
 * keeps neither the mount busy nor a pipe open whose reader waits for its end.
 */
static _Noreturn void marker_be_child(int mark_fd, int end, const struct db_file *place)
{
	struct db_file copy = *place;

	copy.dir = STDERR_FILENO;
	if (dup2(mark_fd, STDIN_FILENO) == STDIN_FILENO &&
		dup2(end, STDOUT_FILENO) == STDOUT_FILENO &&
		dup2(place->dir, STDERR_FILENO) == STDERR_FILENO &&
		close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
		marker_take_back(STDIN_FILENO, &copy);
	_exit(0);
}

void crash_marker_close(struct crash_marker *marker, const struct db_file *place)
{
	int ends[2];

	if (marker->fd < 0)
		return;
	if (marker->is_set && pipe2(ends, O_CLOEXEC) == 0) {
		pid_t child = fork();

		if (child == 0)
			marker_be_child(marker->fd, ends[1], place);
		/* poll(2) returns when the child has ended, which closes its end. */
		close(ends[1]);
		poll(&(struct pollfd){.fd = ends[0]}, 1, CLOSE_MS);
		close(ends[0]);
		if (child > 0)
			waitpid(child, NULL, WNOHANG);
	}
	close(marker->fd);
	marker->fd = -1;
}
