/* SPDX-License-Identifier: MIT */
/*
 * Finds out how much disk space is left for the database file.
 */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	RESERVE_MAX = 16 << 20, /* bytes to keep free */
	RESERVE_PART = 4,       /* on a small disk, keep one part in so many free */
	/* More bytes than one turn of the event loop writes, including the journal,
	 * unless a text is huge. */
	TURN_MAX = 32 << 20,
};

/* Restricts `room` to `left` bytes on a disk, or in a file, of at most `total` bytes. */
static void room_limit(struct room *room, int64_t left, uint64_t total)
{
	uint64_t part = total / RESERVE_PART;

	if (left >= room->left)
		return;
	room->left = left > 0 ? left : 0;
	room->reserve = part < RESERVE_MAX ? (int64_t)part : RESERVE_MAX;
}

/* Restricts `room` if the directory `dir` takes no new file, such as a journal. */
static void room_check_directory(int dir, const struct statvfs *disk, struct room *room)
{
	int err = faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;

	room->closed = err == EROFS;
	if ((err || (disk->f_files && !disk->f_favail)) && room->left >= TURN_MAX)
		room->left = TURN_MAX - 1;
}

struct room room_measure(int dir, int64_t file_size)
{
	struct room room = {.left = INT64_MAX};
	struct statvfs disk;
	struct rlimit limit;

	if (fstatvfs(dir, &disk) == 0 && disk.f_frsize &&
		disk.f_bavail < INT64_MAX / disk.f_frsize) {
		room_limit(&room, (int64_t)(disk.f_bavail * disk.f_frsize),
			disk.f_blocks * disk.f_frsize);
		room_check_directory(dir, &disk, &room);
	}
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < INT64_MAX)
		room_limit(&room, (int64_t)limit.rlim_cur - file_size, limit.rlim_cur);
	return room;
}

bool room_takes_writes(int dir)
{
	static const char page[4096];
	CLEANUP_CLOSE int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT;
	return write(fd, page, sizeof(page)) == (ssize_t)sizeof(page);
}

struct room room_unsure(void)
{
	return (struct room){.left = TURN_MAX - 1};
}

bool room_is_low(const struct room *room)
{
	return !room->closed && room->left < room->reserve;
}

bool room_is_unsure(const struct room *room)
{
	return room->closed || room->left < TURN_MAX;
}
