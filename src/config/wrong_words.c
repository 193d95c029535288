/* SPDX-License-Identifier: MIT */
#include "wrong_words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "api_url.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/filename.h"
#include "option_table.h"
#include "profile.h"
#include "suggestion.h"

/* Words that a user might take for commands, and what to use instead. */
static const struct {
	const char *word;
	const char *hint;
} commands[] = {
	{"umount", "; did you mean fusermount3 -u MOUNTPOINT?"},
	{"unmount", "; did you mean fusermount3 -u MOUNTPOINT?"},
	{"mount", "; did you mean gladiafs MOUNTPOINT?"},
	{"check", "; did you mean gladiafs --check?"},
	{"refresh", "; did you mean gladiafs --refresh PATH?"},
	{"fetch", "; did you mean gladiafs --fetch PATH?"},
	{"cache", "; did you mean gladiafs --cache?"},
	{"help", "; did you mean gladiafs --help?"},
	{"version", "; did you mean gladiafs --version?"},
	{"gladia", "; did you mean gladia?"},
};

const char *wrong_words_hint(const char *word)
{
	struct suggestion suggestion = suggestion_for(word, strlen(word));
	const char *hint = "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (suggestion_try(&suggestion, commands[i].word))
			hint = commands[i].hint;
	return hint;
}

static bool wrong_words_is_url(const char *text)
{
	return strstr(text, "://") != NULL;
}

/* Returns the argument, or `name` if it must not be quoted. */
static const char *wrong_words_show(const char *argument, const char *name)
{
	return suggestion_may_quote(argument) ? argument : name;
}

static int wrong_words_explain_swap(
	const char *first, const char *second, struct buf *errmsg)
{
	return errmsg_set(errmsg, -EINVAL,
		"SOURCE comes before MOUNTPOINT: did you mean gladiafs %s %s?",
		wrong_words_show(second, "SOURCE"),
		wrong_words_show(first, "MOUNTPOINT"));
}

/* Explains a SOURCE that is neither a URL nor "gladia" or "none". */
static int wrong_words_explain_source(const char *source, struct buf *errmsg)
{
	size_t name_len = option_word_len(source);
	const char *rest = source + name_len;

	if (filename_is_uuid(source))
		return errmsg_set(errmsg, -EINVAL,
			"SOURCE looks like an API key, which every user of this machine "
			"can read in a command line: write it to a file that only you "
			"can read, and use -o key_file=PATH");
	if ((!*rest || *rest == '=' || *rest == ',') &&
		option_table_has(source, name_len))
		return errmsg_set(errmsg, -EINVAL,
			"\"%.*s\" is an option: did you mean -o %.*s%s?", (int)name_len,
			source, (int)name_len, source, *rest == '=' ? "=..." : "");
	if (!suggestion_may_quote(source))
		return 0;
	if (!*rest && strchr(source, '.') && *source != '.')
		return errmsg_set(errmsg, -EINVAL,
			"SOURCE \"%s\" is not a URL: did you mean https://%s?", source,
			source);

	const char *hint = wrong_words_hint(source);

	if (*hint)
		return errmsg_set(errmsg, -EINVAL,
			"SOURCE \"%s\" is neither a URL nor the name of a profile%s",
			source, hint);

	CLEANUP_FREE char *similar = profile_similar(source);

	if (similar)
		return errmsg_set(errmsg, -EINVAL,
			"SOURCE \"%s\" is neither a URL nor the name of a profile; did "
			"you mean %s?",
			source, similar);
	return errmsg_set(errmsg, -EINVAL,
		"SOURCE \"%s\" is neither a URL such as " SOURCE_DEFAULT
		" nor the name of a profile (NAME.conf in ~/.config/gladiafs or "
		"/etc/gladiafs)",
		source);
}

/* Explains a command without dashes and arguments, unless a directory has that name. */
static int wrong_words_explain_command(const char *word, struct buf *errmsg)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(word, commands[i].word) == 0 && !api_url_means_default(word) &&
			access(word, F_OK) < 0)
			return errmsg_set(errmsg, -EINVAL,
				"MOUNTPOINT \"%s\" does not exist%s", word,
				commands[i].hint);
	return 0;
}

int wrong_words_explain(
	const char *const *arguments, size_t count, const char *usage, struct buf *errmsg)
{
	enum { ARGUMENTS_MAX = 2 };
	const char *first = count ? arguments[0] : NULL;
	int err = count == 1 ? wrong_words_explain_command(first, errmsg) : 0;

	if (count == ARGUMENTS_MAX && wrong_words_is_url(arguments[1]) &&
		!wrong_words_is_url(first))
		return wrong_words_explain_swap(first, arguments[1], errmsg);
	if (count >= ARGUMENTS_MAX && *first && !wrong_words_is_url(first) &&
		!api_url_means_default(first))
		err = wrong_words_explain_source(first, errmsg);
	if (err || count <= ARGUMENTS_MAX)
		return err;

	const char *extra = arguments[ARGUMENTS_MAX];

	if (suggestion_may_quote(extra))
		return errmsg_set(errmsg, -EINVAL,
			"too many arguments (%zu; at most SOURCE and MOUNTPOINT), from "
			"\"%s\" on: %s",
			count, extra, usage);
	return errmsg_set(errmsg, -EINVAL,
		"too many arguments (%zu; at most SOURCE and MOUNTPOINT): %s", count,
		usage);
}

int wrong_words_explain_checked(const char *argument, struct buf *errmsg)
{
	CLEANUP_FREE char *similar =
		suggestion_may_quote(argument) ? profile_similar(argument) : NULL;

	/* A mount that hangs, whose name is not similar, must not be accessed here. */
	if (!similar || access(argument, F_OK) == 0)
		return 0;
	return errmsg_set(errmsg, -EINVAL,
		"\"%s\" is neither the name of a profile nor a directory; did you mean "
		"gladiafs --check %s?",
		argument, similar);
}
