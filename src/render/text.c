/* SPDX-License-Identifier: MIT */
#include "internal.h"

/* Appends one line per turn: consecutive utterances of the same voice are joined. */
static int text_add_turns(const struct transcript *transcript, struct buf *out)
{
	const struct utterance *before = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < transcript->len; i++) {
		const struct utterance *one = &transcript->utterances[i];
		bool goes_on = before && transcript_same_voice(before, one);

		if (before)
			err = buf_append_str(out, goes_on ? " " : "\n");
		if (!err && !goes_on && transcript_has_voice(transcript, one)) {
			err = transcript_add_voice(transcript, one, out, PLAIN_TEXT_LINE);
			if (!err)
				err = buf_append_str(out, ": ");
		}
		if (!err)
			err = plain_text_add(out, one->text, PLAIN_TEXT_LINE);
		before = one;
	}
	return err;
}

int text_render(const struct transcript *transcript, struct buf *out)
{
	size_t len = out->len;
	int err = transcript->voiced || !transcript->full.at
			  ? text_add_turns(transcript, out)
			  : plain_text_add(out, transcript->full, PLAIN_TEXT_LINES);

	if (!err && out->len > len && out->data[out->len - 1] != '\n')
		err = buf_append_str(out, "\n");
	return err;
}
