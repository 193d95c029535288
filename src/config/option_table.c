/* SPDX-License-Identifier: MIT */
#include "option_table.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/filename.h"
#include "option_values.h"
#include "render/render.h"

enum {
	TTL_MAX = 365 * 24 * 60 * 60, /* seconds */
	TIMEOUT_MAX = 60 * 60,        /* seconds */
	CONNECTIONS_MAX = 64,
	PAGE_SIZE_MAX = 10000,
};

#define CACHE_SIZE_MIN (UINT64_C(1) << 20)
#define CACHE_SIZE_MAX (UINT64_C(1024) << 40)
#define ID_MAX         (UINT32_MAX - 1) /* (uid_t)-1 is not a user, see chown(2) */

/* An option of -o: its spelling, its values, and the member that stores its value. */
struct own_option {
	const char *shape; /* "name=VALUE", or "name" for a flag */
	const char *takes; /* the valid values, for error messages */
	const char *help;
	int (*set)(const struct own_option *own, const char *value,
		struct options *options, struct buf *errmsg);
	size_t offset; /* offset of the member in struct options */
	size_t size;   /* size of the member in struct options */
	bool (*read)(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
	uint64_t min;
	uint64_t max;
	uint64_t scale;       /* factor applied to the number; 0 means 1 */
	const char *words[2]; /* the words for false and true */
};

static int option_table_name_len(const char *shape)
{
	return (int)strcspn(shape, "=");
}

static int option_table_refuse(const struct own_option *own, struct buf *errmsg)
{
	return errmsg_set(errmsg, -EINVAL, "-o %.*s takes %s",
		option_table_name_len(own->shape), own->shape, own->takes);
}

static int option_table_set_flag(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	if (value)
		return option_table_refuse(own, errmsg);
	*(bool *)((char *)options + own->offset) = true;
	return 0;
}

static int option_table_set_choice(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	for (int i = 0; value && i < 2; i++) {
		if (strcmp(value, own->words[i]) != 0)
			continue;
		*(bool *)((char *)options + own->offset) = i;
		return 0;
	}
	return option_table_refuse(own, errmsg);
}

static int option_table_set_number(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	char *member = (char *)options + own->offset;
	uint64_t number;

	if (!value || !own->read(value, own->min, own->max, &number))
		return option_table_refuse(own, errmsg);
	number *= own->scale ? own->scale : 1;

	uint32_t narrow = (uint32_t)number;

	if (own->size == sizeof(number))
		memcpy(member, &number, sizeof(number));
	else
		memcpy(member, &narrow, sizeof(narrow));
	return 0;
}

static int option_table_set_path(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	char **member = (char **)(void *)((char *)options + own->offset);
	char *path;

	if (!value || !*value)
		return option_table_refuse(own, errmsg);
	/*
	 * Gladia's keys are UUIDs: an error message about a missing file must not show
	 * one.
	 */
	if (filename_is_uuid(value))
		return errmsg_set(errmsg, -EINVAL,
			"-o %.*s takes %s: the value given looks like a key itself",
			option_table_name_len(own->shape), own->shape, own->takes);

	int err = option_value_path(value, &path);

	if (err)
		return errmsg_set(errmsg, -EINVAL,
			"-o %.*s: cannot resolve a relative path, because there is no "
			"current directory (%s): give an absolute path",
			option_table_name_len(own->shape), own->shape, strerror(-err));
	free(*member);
	*member = path;
	return 0;
}

/*
 * Stores a proxy's URL, or "" for "none". A URL with a user name or password is rejected.
 */
static int option_table_set_proxy(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	static const char *const schemes[] = {"http://", "https://", "socks5h://"};
	const char *host = NULL;

	for (size_t i = 0; value && i < ARRAY_SIZE(schemes); i++)
		if (!strncasecmp(value, schemes[i], strlen(schemes[i])))
			host = value + strlen(schemes[i]);
	if (host && strchr(host, '@'))
		return errmsg_set(errmsg, -EINVAL,
			"-o proxy takes no user name and password, because every user "
			"can read command lines: leave out proxy= and set the variable "
			"https_proxy=http://USER:PASSWORD@HOST:PORT");
	if (!value || (strcmp(value, "none") != 0 && !host))
		return option_table_refuse(own, errmsg);
	if (host && (!*host || host[strcspn(host, "/?# \t")]))
		return option_table_refuse(own, errmsg);

	char *copy = strdup(host ? value : "");

	if (!copy)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	free(options->proxy);
	options->proxy = copy;
	return 0;
}

/* Returns how many bytes of an argument could be an option's name. */
static size_t option_table_word_len(const char *argument)
{
	return strspn(argument,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
}

/*
 * Parses "json[:txt][:srt][:vtt]". An unknown word is quoted in the error message if it
 * is too short to be a key.
 */
static int option_table_set_formats(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	enum { SHOWN_MAX = 16 };
	unsigned formats = 0;
	enum format format;

	for (const char *word = value ? value : ""; word;) {
		size_t len = strcspn(word, ":");
		bool known = !format_find(word, len, &format);

		if (known && formats & 1u << format)
			return errmsg_set(errmsg, -EINVAL,
				"-o formats lists %s twice: it takes %s",
				format_name(format), own->takes);
		if (!known && len && len <= SHOWN_MAX &&
			option_table_word_len(word) >= len)
			return errmsg_set(errmsg, -EINVAL,
				"-o formats: there is no format \"%.*s\": it takes %s",
				(int)len, word, own->takes);
		if (!known || (!formats && format != FORMAT_JSON))
			return option_table_refuse(own, errmsg);
		formats |= 1u << format;
		word = word[len] ? word + len + 1 : NULL;
	}
	options->formats = formats;
	return 0;
}

#define MEMBER(name) \
	.offset = offsetof(struct options, name), .size = sizeof((struct options){0}.name)

/* The options of gladiafs (SEMANTICS 1.4). */
static const struct own_option own_options[] = {
	{.shape = "key_file=PATH",
		.takes = "the path of a file that holds the API key",
		.help = "file with the API key (the man page lists other places)",
		.set = option_table_set_path,
		MEMBER(key_file)},
	{.shape = "ttl=SECONDS",
		.takes = "a number of seconds from 0 to 31536000",
		.help = "age at which a listing is refreshed (60)",
		.set = option_table_set_number,
		.read = option_value_number,
		.max = TTL_MAX,
		.scale = 1000,
		MEMBER(ttl_ms)},
	{.shape = "timeout=SECONDS",
		.takes = "a number of seconds from 1 to 3600",
		.help = "longest wait of a system call for the API (30)",
		.set = option_table_set_number,
		.read = option_value_number,
		.min = 1,
		.max = TIMEOUT_MAX,
		.scale = 1000,
		MEMBER(timeout_ms)},
	{.shape = "connections=N",
		.takes = "a number from 1 to 64",
		.help = "maximum number of requests that read ahead (8)",
		.set = option_table_set_number,
		.read = option_value_number,
		.min = 1,
		.max = CONNECTIONS_MAX,
		MEMBER(connections)},
	{.shape = "page_size=N",
		.takes = "a number of jobs from 1 to 10000",
		.help = "jobs per page of a listing (adaptive)",
		.set = option_table_set_number,
		.read = option_value_number,
		.min = 1,
		.max = PAGE_SIZE_MAX,
		MEMBER(page_size)},
	{.shape = "cache=disk|off",
		.takes = "disk or off",
		.help = "keep transcripts across mounts (disk)",
		.set = option_table_set_choice,
		.words = {"off", "disk"},
		MEMBER(cache_disk)},
	{.shape = "cache_dir=PATH",
		.takes = "the path of a directory",
		.help = "cache directory ($XDG_CACHE_HOME/gladiafs)",
		.set = option_table_set_path,
		MEMBER(cache_dir)},
	{.shape = "cache_size=SIZE",
		.takes = "a size from 1M to 1024T, such as 500M or 2G",
		.help = "maximum size of the cache, with K, M, G or T (2G)",
		.set = option_table_set_number,
		.read = option_value_size,
		.min = CACHE_SIZE_MIN,
		.max = CACHE_SIZE_MAX,
		MEMBER(cache_size)},
	{.shape = "ca_file=PATH",
		.takes = "the path of a file with certificates (PEM)",
		.help = "trust these certificates instead of the system's",
		.set = option_table_set_path,
		MEMBER(ca_file)},
	{.shape = "proxy=URL",
		.takes = "http://, https:// or socks5h:// with HOST[:PORT], or none",
		.help = "proxy to use, or none ($https_proxy)",
		.set = option_table_set_proxy,
		MEMBER(proxy)},
	{.shape = "log=stderr|syslog",
		.takes = "stderr or syslog",
		.help = "where messages go (stderr with -f, else syslog)",
		.set = option_table_set_choice,
		.words = {"stderr", "syslog"},
		MEMBER(log_syslog)},
	{.shape = "uid=USER",
		.takes = "a uid or the name of an existing user",
		.help = "owner of all files (the user that mounts)",
		.set = option_table_set_number,
		.read = option_value_user,
		.max = ID_MAX,
		MEMBER(uid)},
	{.shape = "gid=GROUP",
		.takes = "a gid or the name of an existing group",
		.help = "group of all files (that of the user that mounts)",
		.set = option_table_set_number,
		.read = option_value_group,
		.max = ID_MAX,
		MEMBER(gid)},
	{.shape = "umask=OCTAL",
		.takes = "octal digits up to 777, such as 077",
		.help = "permission bits to clear (0)",
		.set = option_table_set_number,
		.read = option_value_octal,
		.max = 0777,
		MEMBER(umask)},
	{.shape = "formats=LIST",
		.takes = "json, optionally followed by :txt, :srt and :vtt",
		.help = "files listed for each job: json[:txt][:srt][:vtt] (json)",
		.set = option_table_set_formats,
		MEMBER(formats)},
	{.shape = "offline_ok",
		.takes = "no value",
		.help = "show cached data while the API is unreachable (off)",
		.set = option_table_set_flag,
		MEMBER(offline_ok)},
	{.shape = "xattr",
		.takes = "no value",
		.help = "give jobs extended attributes, user.gladia.* (off)",
		.set = option_table_set_flag,
		MEMBER(xattr)},
	{.shape = "allow_delete",
		.takes = "no value",
		.help = "let rm of ID.json delete the job at Gladia (off)",
		.set = option_table_set_flag,
		MEMBER(allow_delete)},
	{.shape = "allow_other",
		.takes = "no value",
		.help = "let other users access the mount (off)",
		.set = option_table_set_flag,
		MEMBER(allow_other)},
	{.shape = "auto_unmount",
		.takes = "no value",
		.help = "unmount even if the program is killed (off)",
		.set = option_table_set_flag,
		MEMBER(auto_unmount)},
};

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
	"norelatime", "strictatime", "nostrictatime", "lazytime", "nolazytime"};

/* Options from mount(8) with a value that have no effect here. */
static const char *const ignored_values[] = {"comment", "user"};

/* Names that a user might try for an option that takes the key. */
static const char *const key_names[] = {"key", "api_key", "api-key", "apikey",
	"gladia_key", "gladia-key", "gladia_api_key", "gladia-api-key", "x-gladia-key",
	"token", "password"};

static bool option_table_is_among(
	const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

#define IS_AMONG(name, names) option_table_is_among(name, names, ARRAY_SIZE(names))

static bool option_table_means_key(const char *argument)
{
	size_t len = option_table_word_len(argument);

	for (size_t i = 0; i < ARRAY_SIZE(key_names); i++)
		if (strlen(key_names[i]) == len &&
			strncasecmp(argument, key_names[i], len) == 0)
			return true;
	return false;
}

int options_refuse(const char *dashes, const char *argument, struct buf *errmsg)
{
	enum { SHOWN_MAX = 32 }; /* shorter than Gladia's keys, which are UUIDs */
	size_t len = option_table_word_len(argument);

	if (option_table_means_key(argument))
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
	return errmsg_set(errmsg, -EINVAL,
		"unknown option \"%s%.*s\" (-h lists all options)", dashes, (int)len,
		argument);
}

static const struct own_option *option_table_find_own(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++) {
		const char *shape = own_options[i].shape;
		size_t len = strcspn(shape, "=");

		if (strncmp(shape, name, len) == 0 && !name[len])
			return &own_options[i];
	}
	return NULL;
}

static int option_table_add_kernel_flag(
	const char *name, struct options *options, struct buf *errmsg)
{
	if (buf_printf(&options->mount_flags, ",%s", name))
		return errmsg_set(errmsg, -EINVAL, "-o %s: too many such options", name);
	return 0;
}

static bool option_table_is_ignored(const char *name, const char *value)
{
	if (strncasecmp(name, "x-", 2) == 0)
		return true;
	return value ? IS_AMONG(name, ignored_values) : IS_AMONG(name, ignored_flags);
}

/* Applies one option. Overwrites the "=" in `word`. */
static int option_table_apply_word(
	char *word, bool sloppy, struct options *options, struct buf *errmsg)
{
	char *equals = strchr(word, '=');
	char *value = equals ? equals + 1 : NULL;

	if (equals)
		*equals = '\0';

	const struct own_option *own = option_table_find_own(word);

	if (own)
		return own->set(own, value, options, errmsg);

	/* The last one counts, as in mount(8). */
	if (!value && (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0)) {
		options->read_only = word[1] == 'o';
		return 0;
	}
	if (!value && strcmp(word, "remount") == 0)
		return errmsg_set(errmsg, -EINVAL,
			"-o remount: the options of a mount cannot be changed; unmount "
			"it, and mount it again with other options");
	if (!value && IS_AMONG(word, kernel_flags))
		return option_table_add_kernel_flag(word, options, errmsg);
	if (!option_table_means_key(word) &&
		(sloppy || option_table_is_ignored(word, value)))
		return 0;
	return options_refuse("-o ", word, errmsg);
}

int option_table_apply(
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

		int err = len ? option_table_apply_word(word, sloppy, options, errmsg)
			      : 0;

		if (err)
			return err;
	}
	return 0;
}

void option_table_print(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		printf("    %-20s %s\n", own_options[i].shape, own_options[i].help);
}
