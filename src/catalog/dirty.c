/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "internal.h"

/*
 * Nothing is synced (schema.c): the file is whole for whoever opens it while the machine
 * is up, but after a power cut any of its pages may be as they were long before, and a
 * text the wrong one without a sign of it. So, as filesystems do, it says while it is in
 * use in whose memory parts of it may be: a boot of a machine. That is on the disk before
 * anything else is written, and taken back once all is. Of a file that names an earlier
 * boot of this machine nothing is believed; another machine's (a home on NFS) is let be.
 */

enum {
	STEP = 8 << 20,
	/* SIGTERM ends the program within a second (SPEC 1.5). */
	WRITE_OUT_MS = 300,
};

static bool read_boot(char boot[static DIRTY_SIZE])
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
	return snprintf(boot, DIRTY_SIZE, "%s %s", system.nodename, id) < DIRTY_SIZE;
}

void dirty_init(struct catalog *catalog, const char *boot)
{
	if (boot)
		snprintf(catalog->boot, sizeof(catalog->boot), "%s", boot);
	else if (!read_boot(catalog->boot))
		catalog->boot[0] = '\0';
}

/* Nobody opens the others after us. */
static bool is_marked(const struct catalog *catalog)
{
	return catalog->place.path && catalog->boot[0] && !catalog->orphaned;
}

/* 0, and what the file says; -EUCLEAN, or -EIO, with SQLite's error still to be told. */
static int read_mark(struct catalog *catalog, char mark[static DIRTY_SIZE])
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_DIRTY);
	int step = sqlite3_step(statement);

	if (step == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		snprintf(mark, DIRTY_SIZE, "%s", text ? (const char *)text : "");
	}

	int code = sqlite3_reset(statement);

	if (step == SQLITE_ROW)
		return 0;
	return step == SQLITE_DONE || schema_is_damage(code) ? -EUCLEAN : -EIO;
}

/* With all that was written before, and the directory's entries. */
static int write_mark(struct catalog *catalog, const char *mark)
{
	sqlite3_stmt *statement = catalog_statement(catalog, SQL_DIRTY_SET);

	sqlite3_exec(catalog->db, "PRAGMA synchronous = EXTRA", NULL, NULL, NULL);
	sqlite3_bind_text(statement, 1, mark, -1, SQLITE_STATIC);

	int step = sqlite3_step(statement);

	sqlite3_reset(statement);
	/* Slow from now on, but with SQLite's error still to be told. */
	if (step != SQLITE_DONE)
		return -EIO;
	sqlite3_exec(catalog->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	return 0;
}

static bool is_of_earlier_boot(const struct catalog *catalog, const char *mark)
{
	const char *id = strrchr(catalog->boot, ' ');
	size_t len = id ? (size_t)(id - catalog->boot) + 1 : 0;

	return strcmp(mark, catalog->boot) != 0 && !strncmp(mark, catalog->boot, len) &&
	       mark[0];
}

int dirty_check(struct catalog *catalog, bool *ret_cut)
{
	char mark[DIRTY_SIZE];

	*ret_cut = false;
	if (!is_marked(catalog))
		return 0;

	int err = read_mark(catalog, mark);

	if (!err)
		*ret_cut = is_of_earlier_boot(catalog, mark);
	return err;
}

bool dirty_is_set(struct catalog *catalog)
{
	char mark[DIRTY_SIZE];

	return !is_marked(catalog) ||
	       (!read_mark(catalog, mark) && !strcmp(mark, catalog->boot));
}

int dirty_set(struct catalog *catalog)
{
	return dirty_is_set(catalog) ? 0 : write_mark(catalog, catalog->boot);
}

/* In steps: of a slow disk nobody waits for the whole. */
static bool write_out(const struct catalog *catalog)
{
	/* Closing it drops all of the process' locks on the file, of which between
	 * transactions there are none. */
	CLEANUP_CLOSE int fd = open(
		catalog->place.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	int64_t end_ms = clock_mono_ms(catalog->clock) + WRITE_OUT_MS;

	for (off_t at = 0; at < size; at += STEP) {
		if (clock_mono_ms(catalog->clock) > end_ms ||
			sync_file_range(fd, at, STEP,
				SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					SYNC_FILE_RANGE_WAIT_AFTER) < 0)
			return false;
	}
	return size >= 0;
}

void dirty_clear(struct catalog *catalog)
{
	if (is_marked(catalog) && write_out(catalog))
		write_mark(catalog, "");
}
