/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <errno.h>
#include <string.h>

#include "direction.h"
#include "render/render.h"

void turn_init(struct turn *turn)
{
	*turn = (struct turn){0};
	buf_init(&turn->text, FORMAT_TEXT_MAX);
}

void turn_done(struct turn *turn)
{
	buf_done(&turn->text);
}

static int turn_read_text(struct turn *turn, const struct transcript *transcript)
{
	const struct utterance *one = turn->first;
	int err = 0;

	do {
		if (one != turn->first)
			err = buf_append_str(&turn->text, " ");
		if (!err)
			err = plain_text_add(&turn->text, one->text, PLAIN_TEXT_LINE);
		one = &transcript->utterances[++turn->next];
	} while (!err && turn->next < transcript->len &&
		 transcript_same_voice(turn->first, one));
	return err;
}

int turn_read(struct turn *turn, const struct transcript *transcript)
{
	size_t begin = strlen(direction_isolate);

	if (turn->next == transcript->len)
		return -ENODATA;
	turn->first = &transcript->utterances[turn->next];
	buf_reset(&turn->text);

	int err = buf_append_str(&turn->text, direction_isolate);

	if (!err)
		err = turn_read_text(turn, transcript);
	if (err)
		return err;
	if (transcript_has_voice(transcript, turn->first) &&
		direction_is_rtl(turn->text.data + begin, turn->text.len - begin))
		return buf_append_str(&turn->text, direction_isolate_end);
	turn->text.len -= begin;
	memmove(turn->text.data, turn->text.data + begin, turn->text.len + 1);
	return 0;
}
