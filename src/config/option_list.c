/* SPDX-License-Identifier: MIT */
/*
 * Parses the lists of options that -o takes. Options that are not in the table of our own
 * options come from mount(8), or are refused.
 */
#include "option_list.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "option_table.h"
#include "render/render.h"

/* Options from mount(8) that are passed to the kernel (SEMANTICS 1.2). */
static const char *const kernel_flags[] = {
	"nodev", "nosuid", "noexec", "exec", "sync", "async", "dirsync"};

/*
 * Options from mount(8) that have no effect here: nothing is written, and the mount is
 * always nodev and nosuid (mount.fuse3 adds "dev,suid" for root by itself).
 */
static const char *const ignored_flags[] = {"dev", "suid", "defaults", "auto", "noauto",
	"nofail", "_netdev", "user", "nouser", "users", "nousers", "owner", "noowner",
	"group", "nogroup", "atime", "noatime", "diratime", "nodiratime", "relatime",
	"norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime",
	/* Options of other FUSE filesystems: every mount has these already. */
	"nonempty", "default_permissions"};

/* Options with a value, from mount(8) or libfuse, that have no effect here. */
static const char *const ignored_values[] = {"comment", "user", "subtype"};

/* Names that a user might try for an option that takes the key. */
static const char *const key_names[] = {"key", "api_key", "api-key", "apikey",
	"gladia_key", "gladia-key", "gladia_api_key", "gladia-api-key", "x-gladia-key",
	"token", "password"};

/* Options that users of umount(8) and fusermount3 might try. */
static const char *const unmount_words[] = {"u", "umount", "unmount"};

static bool option_list_is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

#define IS_AMONG(name, names) option_list_is_among(name, names, ARRAY_SIZE(names))

static bool option_list_means_key(const char *argument)
{
	size_t len = option_word_len(argument);

	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++)
		if (strlen(key_names[i]) == len &&
			strncasecmp(argument, key_names[i], len) == 0)
			return true;
	return false;
}

/*
 * Finds the option that is most similar to an unknown one. `dashes` is what precedes that
 * on the command line. Returns true if the suggestion is an option of -o.
 */
static bool option_list_suggest(const char *dashes, struct suggestion *suggestion)
{
	static const char *const commands[] = {
		"help", "version", "check", "refresh", "fetch", "cache"};
	bool long_option = strcmp(dashes, "--") == 0;

	for (size_t i = 0; long_option && i < ARRAY_SIZE(commands); i++)
		(void)suggestion_try(suggestion, commands[i]);

	const char *command = suggestion->word;

	option_table_suggest(suggestion);
	for (size_t i = 0; !long_option && i < ARRAY_SIZE(ignored_flags); i++)
		(void)suggestion_try(suggestion, ignored_flags[i]);
	for (size_t i = 0; !long_option && i < ARRAY_SIZE(kernel_flags); i++)
		(void)suggestion_try(suggestion, kernel_flags[i]);
	return suggestion->word != command;
}

int options_refuse(const char *dashes, const char *argument, struct buf *errmsg)
{
	enum { SHOWN_MAX = 32 }; /* shorter than Gladia's keys, which are UUIDs */
	size_t len = option_word_len(argument);

	if (option_list_means_key(argument))
		return errmsg_set(errmsg, -EINVAL,
			"there is no option \"%s%.*s\" that takes the key itself, "
			"because every user of this machine can read command lines: "
			"write the key to a file that only you can read, and use -o "
			"key_file=PATH",
			dashes, (int)len, argument);
	if (!len || len > SHOWN_MAX)
		return errmsg_set(errmsg, -EINVAL,
			"unknown option, not shown because it does not look like an "
			"option name (-h lists all options)");
	errmsg_set(
		errmsg, -EINVAL, "unknown option \"%s%.*s\"", dashes, (int)len, argument);

	struct suggestion suggestion = suggestion_for(argument, len);
	enum format format;
	bool own = option_list_suggest(dashes, &suggestion);

	if (strcmp(dashes, "-o ") != 0 && IS_AMONG(argument, unmount_words))
		(void)buf_append_str(errmsg, ": did you mean fusermount3 -u MOUNTPOINT?");
	else if (strcmp(dashes, "-o ") == 0 && !format_find(argument, len, &format))
		(void)buf_printf(errmsg,
			": formats are separated by colons, as in -o formats=json:%s",
			format_name(format));
	else if (suggestion.word)
		(void)buf_printf(errmsg, ": did you mean %s%s?", own ? "-o " : dashes,
			suggestion.word);
	else
		(void)buf_append_str(errmsg, " (-h lists all options)");
	return -EINVAL;
}

static int option_list_add_kernel_flag(
	const char *name, struct options *options, struct buf *errmsg)
{
	if (buf_printf(&options->mount_flags, ",%s", name))
		return errmsg_set(errmsg, -EINVAL, "-o %s: too many such options", name);
	return 0;
}

static bool option_list_is_ignored(const char *name, const char *value)
{
	if (strncasecmp(name, "x-", 2) == 0)
		return true;
	return value ? IS_AMONG(name, ignored_values) : IS_AMONG(name, ignored_flags);
}

/* Stores the name that the mount table shows instead of SOURCE. */
static int option_list_set_fsname(
	const char *value, struct options *options, struct buf *errmsg)
{
	/* Neither libfuse nor the mount table would keep other characters. */
	for (const char *c = value; *c; c++)
		if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c) ||
			strchr(",\\", *c))
			value = "";
	if (!*value)
		return errmsg_set(errmsg, -EINVAL,
			"-o fsname takes a name without spaces and commas");

	char *copy = strdup(value);

	if (!copy)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	free(options->fsname);
	options->fsname = copy;
	return 0;
}

/* Applies one option. Overwrites the "=" in `word`. */
static int option_list_apply_word(
	char *word, bool sloppy, struct options *options, struct buf *errmsg)
{
	char *equals = strchr(word, '=');
	char *value = equals ? equals + 1 : NULL;

	if (equals)
		*equals = '\0';

	int err = option_table_apply(word, value, options, errmsg);

	if (err != -ENOENT)
		return err;
	/* The last one counts, as in mount(8). */
	if (!value && (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)) {
		options->read_only = word[1] == 'o';
		return 0;
	}
	if (value && strcmp(word, "fsname") == 0)
		return option_list_set_fsname(value, options, errmsg);
	if (!value && strcmp(word, "nonempty") == 0)
		options->nonempty = true;
	if (!value && strcmp(word, "remount") == 0)
		return errmsg_set(errmsg, -EINVAL,
			"-o remount: the options of a mount cannot be changed; unmount "
			"it, and mount it again with other options");
	if (!value && IS_AMONG(word, kernel_flags))
		return option_list_add_kernel_flag(word, options, errmsg);
	if (!option_list_means_key(word) &&
		(sloppy || option_list_is_ignored(word, value)))
		return 0;
	return options_refuse("-o ", word, errmsg);
}

int option_list_apply_one(char *word, struct options *options, struct buf *errmsg)
{
	return option_list_apply_word(word, false, options, errmsg);
}

int option_list_apply(
	const char *list, bool sloppy, struct options *options, struct buf *errmsg)
{
	CLEANUP_FREE char *word = malloc(strlen(list) + 1);
	bool more = true;

	if (!word)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	while (more) {
		size_t len = 0;

		for (; *list && *list != ','; list++) {
			if (*list == '\\' && list[1])
				list++;
			word[len++] = *list;
		}
		more = *list == ',';
		list += more;
		word[len] = '\0';

		int err = len ? option_list_apply_word(word, sloppy, options, errmsg) : 0;

		if (err)
			return err;
	}
	return 0;
}
