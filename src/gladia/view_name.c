/* SPDX-License-Identifier: MIT */
#include "gladia/view_name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/param.h>

#include "base/sha256.h"
#include "render/render.h"

/* Characters that ids encode as well: a dot would look like the beginning of a language
 * or format. */
#define ID_ALSO ",.~"

enum {
	ENDING_MAX = 5, /* characters, such as "flac" or "mpeg4" */
	/* Bytes of a language and a format, with their dots. */
	REST_MAX = 1 + RENDER_LANGUAGE_MAX + sizeof(".json") - 1,
};

_Static_assert(VIEW_NAME_MAX + 1 + VIEW_ID_LEN + REST_MAX <= FILENAME_BYTES_MAX,
	"there is room for the name of a UUID");

static bool view_name_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * Returns the length of a file name without its ending: a dot and at most five letters
 * and digits, not only digits. "talk.mp3" has one, "meeting 3.5" and ".mp3" have none.
 */
static size_t view_name_stem_len(const char *filename)
{
	const char *dot = strrchr(filename, '.');
	size_t ending = 0;
	bool letter = false;

	if (!dot || dot == filename)
		return strlen(filename);
	for (const char *c = dot + 1; *c; c++, ending++) {
		bool is_letter = view_name_is_letter(*c);

		if (!is_letter && !(*c >= '0' && *c <= '9'))
			return strlen(filename);
		letter = letter || is_letter;
	}
	return letter && ending <= ENDING_MAX ? (size_t)(dot - filename)
					      : strlen(filename);
}

/* Writes NAME with at most `max` bytes. */
static void view_name_write(const struct job_facts *facts, size_t max, char *name)
{
	char stem[JOB_FILENAME_MAX + 1];
	const char *filename = job_fact(facts, JOB_FILENAME);
	size_t len = MIN(view_name_stem_len(filename), sizeof(stem) - 1);

	memcpy(stem, filename, len);
	stem[len] = '\0';
	filename_escape_part(len ? stem : "untitled", "", max, name);
}

void view_name_recording(
	const struct job_facts *facts, char name[static VIEW_NAME_MAX + 1])
{
	view_name_write(facts, VIEW_NAME_MAX, name);
}

int view_name_print(const char *id, const struct job_facts *facts,
	char stem[static FILENAME_BYTES_MAX + 1])
{
	char escaped[FILENAME_BYTES_MAX + 1];
	size_t id_len = VIEW_ID_LEN;

	if (filename_is_uuid(id)) {
		memcpy(escaped, id, VIEW_ID_LEN);
		escaped[VIEW_ID_LEN] = '\0';
	} else if (filename_escape(id, ID_ALSO, "", escaped)) {
		return -ENAMETOOLONG;
	} else {
		id_len = strlen(escaped);
	}
	if (id_len + 1 + REST_MAX >= FILENAME_BYTES_MAX)
		return -ENAMETOOLONG;
	view_name_write(facts,
		MIN(VIEW_NAME_MAX, FILENAME_BYTES_MAX - REST_MAX - 1 - id_len), stem);
	strcat(stem, "~");
	strcat(stem, escaped);
	return 0;
}

int view_name_split(const char *stem, size_t len, size_t *ret_name_len,
	char ret_id[static FILENAME_BYTES_MAX + 1])
{
	const char *tilde = memrchr(stem, '~', len);

	if (!tilde || tilde == stem)
		return -ENOENT;

	size_t name_len = (size_t)(tilde - stem);

	if (filename_unescape(tilde + 1, len - name_len - 1, ID_ALSO, ret_id))
		return -ENOENT;
	*ret_name_len = name_len;
	return 0;
}

int64_t view_name_number(const char *name, size_t len)
{
	char text[VIEW_NAME_MAX + 1];

	len = MIN(len, VIEW_NAME_MAX);
	memcpy(text, name, len);
	text[len] = '\0';
	return (int64_t)(sha256_u63("recording", text) | 1);
}
