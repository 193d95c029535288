/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_url.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/api.h"
#include "option_list.h"
#include "option_table.h"
#include "profile.h"
#include "wrong_words.h"

static const char helper_name[] = "mount.gladiafs";

enum { MOUNT_FLAGS_MAX = 512, ARGUMENTS_MAX = 2 };

/* The arguments as parsed by getopt_long(), before they are interpreted. */
struct command {
	bool helper; /* called as mount.gladiafs */
	bool sloppy;
	bool has_profile;   /* SOURCE is the name of a profile */
	const char *clean;  /* the value of --cache, or NULL */
	const char **lists; /* arguments of -o */
	size_t lists_len;
	const char **arguments; /* SOURCE and MOUNTPOINT, or PATHs */
	size_t arguments_len;
};

/* Values for long options without a short form. */
enum { LETTER_CHECK = 256, LETTER_API, LETTER_REFRESH, LETTER_FETCH, LETTER_CACHE };

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"check", no_argument, NULL, LETTER_CHECK},
	{"api", no_argument, NULL, LETTER_API},
	{"refresh", no_argument, NULL, LETTER_REFRESH},
	{"fetch", no_argument, NULL, LETTER_FETCH},
	{"cache", optional_argument, NULL, LETTER_CACHE},
	{0},
};

/*
 * "-" makes getopt_long() return other arguments in order, as option 1, whether or not
 * POSIXLY_CORRECT is set; ":" makes it leave error messages to us.
 */
static const char own_letters[] = "-:o:fdvhV";
static const char helper_letters[] = "-:o:fnvsN:t:hV";

static bool options_is_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash ? slash + 1 : program, helper_name) == 0;
}

/*
 * Sets the error message for an option that getopt_long() rejected. `last` is the
 * argument it examined last; it is the culprit if that was a long option.
 */
static int options_refuse_argument(int result, const char *last, struct buf *errmsg)
{
	if (result == ':')
		return errmsg_set(errmsg, -EINVAL, "-%c takes a value", optopt);
	if (!optopt)
		return options_refuse("--", last + strlen("--"), errmsg);
	if (optopt == 'h' || optopt == 'V')
		return errmsg_set(errmsg, -EINVAL, "--help and --version take no value");
	if (optopt >= LETTER_CHECK)
		return errmsg_set(errmsg, -EINVAL,
			"--check, --api, --refresh and --fetch take no \"=VALUE\": give "
			"it as a separate argument");

	const char letter[] = {(char)optopt, '\0'};

	return options_refuse("-", letter, errmsg);
}

/* Stores an option or argument that getopt_long() returned. */
static void options_note_letter(
	int letter, struct command *command, struct options *options)
{
	switch (letter) {
	case 'o':
		command->lists[command->lists_len++] = optarg;
		break;
	case 1:
		command->arguments[command->arguments_len++] = optarg;
		break;
	case LETTER_REFRESH:
		options->action = OPTIONS_REFRESH;
		break;
	case LETTER_FETCH:
		options->action = OPTIONS_FETCH;
		break;
	case LETTER_CACHE:
		options->action = OPTIONS_CACHE;
		command->clean = optarg;
		break;
	case 'f':
		if (command->helper)
			options->action = OPTIONS_FAKE;
		else
			options->foreground = true;
		break;
	case 'd':
		options->debug = true;
		options->foreground = true;
		break;
	case 'v':
		options->verbose = true;
		/* mount(8) -v asks only for a message about the mount itself. */
		options->log_requests = !command->helper;
		break;
	case LETTER_CHECK:
		options->action = OPTIONS_CHECK;
		break;
	case LETTER_API:
		options->check_api = true;
		break;
	case 's':
		command->sloppy = true;
		break;
	default:
		/* -n: there is no mtab. -N and -t: mount(8) has handled them. */
		break;
	}
}

/* Parses the command line. -h and -V end parsing, whatever follows them. */
static int options_read_letters(int argc, char **argv, struct command *command,
	struct options *options, struct buf *errmsg)
{
	const char *letters = command->helper ? helper_letters : own_letters;
	int letter;

	optind = 0; /* makes glibc's getopt_long() restart */
	while ((letter = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (letter == '?' || letter == ':')
			return options_refuse_argument(letter, argv[optind - 1], errmsg);
		if (letter == 'h' || letter == 'V') {
			options->action = letter == 'h' ? OPTIONS_HELP : OPTIONS_VERSION;
			return 0;
		}
		options_note_letter(letter, command, options);
	}
	for (int i = optind; i < argc; i++) {
		optarg = argv[i]; /* arguments after "--" */
		options_note_letter(1, command, options);
	}
	return 0;
}

/*
 * Resolves SOURCE, which may be NULL. Without SOURCE the mount shows the API URL as its
 * device.
 */
static int options_use_source(const struct command *command, const char *source,
	struct options *options, struct buf *errmsg)
{
	bool has_url = !command->has_profile && !api_url_means_default(source);
	int err = api_url_find(has_url ? source : options->url, &options->origin, errmsg);

	if (err)
		return err;
	if (asprintf(&options->account, "%s%s", options->origin,
		    options->live ? api_list_path(true) : "") < 0) {
		options->account = NULL;
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	}
	options->source = strdup(options->fsname ? options->fsname
				 : source        ? source
						 : options->account);
	return options->source ? 0 : errmsg_set(errmsg, -ENOMEM, "out of memory");
}

/*
 * Applies gladiafs.conf, and the profile if SOURCE is the name of one. They come before
 * -o, so that -o has the last word.
 */
static int options_use_profiles(
	struct command *command, struct options *options, struct buf *errmsg)
{
	CLEANUP_FREE char *path = NULL;
	bool has_source = command->arguments_len == ARGUMENTS_MAX ||
			  (command->arguments_len && options->action == OPTIONS_CHECK);
	int err = profile_apply_defaults(options, errmsg);

	if (err || !has_source || api_url_means_default(command->arguments[0]))
		return err;
	err = profile_find(command->arguments[0], &path);
	if (err)
		return err == -ENOENT ? 0 : errmsg_set(errmsg, err, "out of memory");
	command->has_profile = true;
	return profile_apply(path, options, errmsg);
}

/* Interprets SOURCE and MOUNTPOINT. */
static int options_use_arguments(
	const struct command *command, struct options *options, struct buf *errmsg)
{
	const char *usage = command->helper ? "mount.gladiafs SOURCE MOUNTPOINT [-o ...]"
					    : "gladiafs [-o ...] [SOURCE] MOUNTPOINT";
	size_t count = command->arguments_len;

	int err = command->has_profile
			  ? 0
			  : wrong_words_explain(command->arguments, count, usage, errmsg);

	if (err)
		return err;
	if (!count || (command->helper && count < ARGUMENTS_MAX) ||
		(count == 1 && strstr(command->arguments[0], "://")))
		return errmsg_set(errmsg, -EINVAL,
			"no MOUNTPOINT (the directory to mount on) was given: %s", usage);
	if (!*command->arguments[count - 1])
		return errmsg_set(errmsg, -EINVAL, "MOUNTPOINT is empty: %s", usage);
	options->mountpoint = strdup(command->arguments[count - 1]);
	if (!options->mountpoint)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	return options_use_source(command,
		count == ARGUMENTS_MAX ? command->arguments[0] : NULL, options, errmsg);
}

/* Interprets the optional SOURCE or MOUNTPOINT of --check. */
static int options_use_source_argument(
	const struct command *command, struct options *options, struct buf *errmsg)
{
	const char *argument = command->arguments_len ? command->arguments[0] : NULL;

	if (command->arguments_len > 1)
		return errmsg_set(errmsg, -EINVAL,
			"too many arguments (%zu; at most one): gladiafs --check "
			"[-o ...] [SOURCE or MOUNTPOINT]",
			command->arguments_len);
	if (!argument || command->has_profile || api_url_means_default(argument) ||
		strstr(argument, "://"))
		return options_use_source(command, argument, options, errmsg);

	int err = wrong_words_explain_checked(argument, errmsg);

	if (err)
		return err;
	options->mountpoint = strdup(argument);
	if (!options->mountpoint)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	return options_use_source(command, NULL, options, errmsg);
}

/*
 * Interprets the PATHs of --refresh and --fetch. Options are rejected, because these
 * commands act on existing mounts.
 */
static int options_use_paths(
	const struct command *command, struct options *options, struct buf *errmsg)
{
	const char *usage = options->action == OPTIONS_FETCH
				    ? "gladiafs --fetch PATH..."
				    : "gladiafs --refresh PATH...";

	if (command->helper || command->lists_len || options->foreground)
		return errmsg_set(errmsg, -EINVAL,
			"--refresh and --fetch take no other options: %s", usage);
	if (!command->arguments_len)
		return errmsg_set(errmsg, -EINVAL, "no PATH was given: %s", usage);
	options->paths = calloc(command->arguments_len + 1, sizeof(*options->paths));
	for (size_t i = 0; options->paths && i < command->arguments_len; i++) {
		options->paths[i] = strdup(command->arguments[i]);
		if (!options->paths[i])
			return errmsg_set(errmsg, -ENOMEM, "out of memory");
	}
	return options->paths ? 0 : errmsg_set(errmsg, -ENOMEM, "out of memory");
}

/* Interprets the value of --cache, which takes no arguments. */
static int options_use_cache(
	const struct command *command, struct options *options, struct buf *errmsg)
{
	const char *usage = "gladiafs --cache[=clean|=clean-all] [-o cache_dir=PATH]";

	if (command->arguments_len)
		return errmsg_set(
			errmsg, -EINVAL, "--cache takes no arguments: %s", usage);
	if (!command->clean)
		return 0;
	if (strcmp(command->clean, "clean") == 0)
		options->cache_clean = OPTIONS_CLEAN_UNUSED;
	else if (strcmp(command->clean, "clean-all") == 0)
		options->cache_clean = OPTIONS_CLEAN_ALL;
	else
		return errmsg_set(errmsg, -EINVAL,
			"--cache takes the value clean or clean-all: %s", usage);
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret_options, struct buf *errmsg)
{
	struct options *options = ret_options;

	*options = (struct options){.uid = getuid(), .gid = getgid()};
	buf_init(&options->mount_flags, MOUNT_FLAGS_MAX);

	CLEANUP_FREE const char **lists = calloc((size_t)argc + 1, sizeof(*lists));
	CLEANUP_FREE const char **arguments = calloc(
		(size_t)argc + 1, sizeof(*arguments));
	struct command command = {
		.helper = argc > 0 && options_is_helper(argv[0]),
		.lists = lists,
		.arguments = arguments,
	};

	if (!lists || !arguments)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");

	int err = option_table_set_defaults(options, errmsg);

	if (!err)
		err = options_read_letters(argc, argv, &command, options, errmsg);
	if (err || options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION)
		return err;

	if (options->check_api && options->action != OPTIONS_CHECK)
		return errmsg_set(errmsg, -EINVAL,
			"--api belongs to --check: gladiafs --check --api [-o ...] "
			"[SOURCE or MOUNTPOINT]");
	if (options->action == OPTIONS_REFRESH || options->action == OPTIONS_FETCH)
		return options_use_paths(&command, options, errmsg);
	/* A daemon has no terminal for its messages. */
	options->log_syslog = !options->foreground;
	err = options_use_profiles(&command, options, errmsg);
	for (size_t i = 0; !err && i < command.lists_len; i++)
		err = option_list_apply(lists[i], command.sloppy, options, errmsg);
	if (err)
		return err;
	if (options->action == OPTIONS_CACHE)
		return options_use_cache(&command, options, errmsg);
	return options->action == OPTIONS_CHECK
		       ? options_use_source_argument(&command, options, errmsg)
		       : options_use_arguments(&command, options, errmsg);
}

void options_done(struct options *options)
{
	free(options->source);
	free(options->url);
	free(options->fsname);
	free(options->origin);
	free(options->account);
	free(options->mountpoint);
	for (size_t i = 0; options->paths && options->paths[i]; i++)
		free(options->paths[i]);
	free(options->paths);
	free(options->key_file);
	free(options->ca_file);
	free(options->proxy);
	free(options->cache_dir);
	free(options->tz);
	buf_done(&options->mount_flags);
	*options = (struct options){0};
}
