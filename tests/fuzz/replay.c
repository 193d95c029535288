/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "fuzz.h"

/*
 * Replaces libFuzzer: runs a target on each file given, and on each file in the
 * directories given. A condition that does not hold ends the program; the last line of
 * its output then names the file. Otherwise the last line is the number of inputs, which
 * shows tests/mutation that the program did not end early.
 */
enum { FILE_MAX = 16 << 20, BLOCK = 64 << 10 };

static bool read_file(const char *path, struct buf *data)
{
	CLEANUP_FILE FILE *file = fopen(path, "re");

	while (file && !feof(file) && !ferror(file)) {
		if (buf_reserve(data, BLOCK))
			return false;
		data->len += fread(data->data + data->len, 1, BLOCK, file);
	}
	return file && !ferror(file);
}

/* Runs the target on a copy without spare room at its end, as libFuzzer does. */
static bool run_file(const char *path)
{
	CLEANUP(buf_done) struct buf data;
	CLEANUP_FREE char *input = NULL;

	buf_init(&data, FILE_MAX);
	if (!read_file(path, &data)) {
		perror(path);
		return false;
	}
	printf("%s: %zu bytes\n", path, data.len);
	fflush(stdout);
	input = malloc(data.len + !data.len);
	HOLDS(input);
	for (size_t i = 0; i < data.len; i++)
		input[i] = data.data[i];
	(void)LLVMFuzzerTestOneInput((const uint8_t *)input, data.len);
	return true;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static unsigned run_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_shown, alphasort);
	unsigned done = 0;

	if (count < 0) {
		perror(path);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		CLEANUP_FREE char *file = NULL;

		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			file = NULL;
		done += file && run_file(file);
		free(entries[i]);
	}
	free(entries);
	return done == (unsigned)count ? done : 0;
}

int main(int argc, char **argv)
{
	bool good = argc > 1;
	unsigned done = 0;

	for (int i = 1; i < argc; i++) {
		struct stat found;
		bool directory = !stat(argv[i], &found) && S_ISDIR(found.st_mode);
		unsigned inputs = directory ? run_directory(argv[i]) : run_file(argv[i]);

		good = inputs > 0 && good;
		done += inputs;
	}
	printf("%u inputs\n", done);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
