/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_file(const char *path, struct text *out)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -errno;
	do {
		n = fread(text_room(out, 65536), 1, 65536, f);
		out->n += n;
	} while (n > 0);
	fclose(f);
	return 0;
}

static int beside_program(char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = 0;
	snprintf(out, size, "%s/sample.json", dirname(self));
	return 0;
}

static int load_jobs(
	struct account *a, const cJSON *list, const struct spec_defaults *defaults)
{
	const cJSON *item;
	int r = 0;

	cJSON_ArrayForEach(item, list) {
		char *text = cJSON_PrintUnformatted(item);
		struct job *job;
		const char *why;

		r = spec_create(
			a, (struct span){text, strlen(text)}, defaults, &job, &why);
		if (r < 0)
			fprintf(stderr, "gladia-mock: sample: %s: %s\n", why, text);
		free(text);
		if (r < 0)
			break;
	}
	return r;
}

int sample_load(struct account *a, const char *file, const struct spec_defaults *defaults)
{
	char path[PATH_MAX];
	struct text t = {0};
	cJSON *list;
	int r = file ? 0 : beside_program(path, sizeof(path));

	if (r == 0)
		r = read_file(file ? file : path, &t);
	if (r < 0) {
		fprintf(stderr, "gladia-mock: %s: %s\n", file ? file : path,
			strerror(-r));
		return r;
	}
	list = cJSON_ParseWithLength(t.p, t.n);
	if (cJSON_IsArray(list)) {
		r = load_jobs(a, list, defaults);
	} else {
		fprintf(stderr, "gladia-mock: %s: not a JSON array\n",
			file ? file : path);
		r = -EINVAL;
	}
	cJSON_Delete(list);
	text_done(&t);
	return r;
}
