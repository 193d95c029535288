/* SPDX-License-Identifier: MIT */
#include "process/stderr_capture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes per read. A longer first line is truncated; we only quote it in a message. */
enum { CHUNK = 1024 };

void stderr_capture_begin(struct stderr_capture *capture)
{
	*capture = (struct stderr_capture){.saved = -1, .file = -1};

	int file = memfd_create("stderr", MFD_CLOEXEC);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (file >= 0 && saved >= 0 && dup2(file, STDERR_FILENO) >= 0) {
		*capture = (struct stderr_capture){.saved = saved, .file = file};
		return;
	}
	if (file >= 0)
		close(file);
	if (saved >= 0)
		close(saved);
}

static void stderr_capture_print_all(int from)
{
	char chunk[CHUNK];
	off_t offset = 0;
	ssize_t got;

	while ((got = pread(from, chunk, sizeof(chunk), offset)) > 0) {
		if (write(STDERR_FILENO, chunk, (size_t)got) < 0)
			return; /* there is nowhere to report the failure */
		offset += got;
	}
}

static void stderr_capture_read_line(int from, struct buf *line)
{
	char chunk[CHUNK];
	ssize_t got = pread(from, chunk, sizeof(chunk) - 1, 0);

	if (got <= 0)
		return;
	chunk[got] = '\0';

	size_t len = strcspn(chunk, "\n");

	/* If memory runs out, the line is left empty. */
	(void)buf_append(line, chunk, len < line->max ? len : line->max);
}

void stderr_capture_end(struct stderr_capture *capture, struct buf *ret_line)
{
	if (ret_line)
		buf_reset(ret_line);
	if (capture->saved < 0)
		return;
	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	if (ret_line)
		stderr_capture_read_line(capture->file, ret_line);
	else
		stderr_capture_print_all(capture->file);
	close(capture->file);
	*capture = (struct stderr_capture){.saved = -1, .file = -1};
}
