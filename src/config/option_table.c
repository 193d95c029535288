/* SPDX-License-Identifier: MIT */
/*
 * The options of -o. One row of the table describes an option; its help text, its
 * default, its parser, its error messages and its line in .gladiafs/config come from that
 * row.
 */
#include "option_table.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "gladia/filename.h"
#include "gladia/zone.h"
#include "option_number.h"
#include "render/render.h"

#define ID_MAX (UINT32_MAX - 1) /* (uid_t)-1 is not a user, see chown(2) */

/* The kinds of values. The comment says which type the member in struct options has. */
enum kind {
	KIND_FLAG,    /* no value; bool */
	KIND_CHOICE,  /* one of two words; bool */
	KIND_COUNT,   /* a decimal number; 32 or 64 bits, as for the following kinds */
	KIND_SECONDS, /* seconds, or with a unit; the member has milliseconds */
	KIND_SIZE,    /* bytes, or with a unit */
	KIND_OCTAL,   /* an octal number */
	KIND_USER,    /* a uid or the name of a user */
	KIND_GROUP,   /* a gid or the name of a group */
	KIND_PATH,    /* a path; char *, absolute */
	KIND_PROXY,   /* a URL or "none"; char *, "" for none */
	KIND_ZONE,    /* the name of a time zone; char * */
	KIND_FORMATS, /* names of formats, separated by colons; a set of bits */
};

/* A row of the table: an option of gladiafs. */
struct own_option {
	const char *name;
	const char *value; /* what -h shows after "="; NULL for a flag */
	enum kind kind;
	size_t offset; /* offset of the member in struct options */
	size_t size;   /* size of the member in struct options */
	uint64_t min;  /* limits of a number */
	uint64_t max;
	const char *choices[2]; /* of a choice: the words for false and true */
	const char *takes;      /* valid values, for messages; NULL if the kind says it */
	const char *initial;    /* the default, as it is written after "=" */
	const char *unset; /* the value in .gladiafs/config if the member is 0 or NULL */
	const char *help;  /* -h appends `initial`, or "off" for a flag */
};

#define MEMBER(member)                              \
	.offset = offsetof(struct options, member), \
	.size = sizeof((struct options){0}.member)
#define RANGE(lowest, highest) .min = (lowest), .max = (highest)

/* The options of gladiafs (SEMANTICS 1.4). */
static const struct own_option own_options[] = {
	{"key_file", "PATH", KIND_PATH, MEMBER(key_file),
		.takes = "the path of a file that holds the API key",
		.help = "file with the API key (the man page lists other places)"},
	{"kind", "pre-recorded|live", KIND_CHOICE, MEMBER(live),
		.choices = {"pre-recorded", "live"}, .takes = "pre-recorded or live",
		.initial = "pre-recorded", .help = "which jobs are shown"},
	{"ttl", "TIME", KIND_SECONDS, MEMBER(ttl_ms), RANGE(0, 365 * 24 * 60 * 60),
		.initial = "60",
		.help = "refresh listings older than this, in seconds or such as 5m, 2h"},
	{"timeout", "TIME", KIND_SECONDS, MEMBER(timeout_ms), RANGE(1, 60 * 60),
		.initial = "30",
		.help = "longest wait of a system call for the API, in seconds or such "
			"as 2m"},
	{"connections", "N", KIND_COUNT, MEMBER(connections), RANGE(1, 64),
		.initial = "8", .help = "maximum number of requests that read ahead"},
	{"page_size", "N", KIND_COUNT, MEMBER(page_size), RANGE(1, 10000),
		.unset = "adaptive", .help = "jobs per page of a listing (adaptive)"},
	{"cache", "disk|off", KIND_CHOICE, MEMBER(cache_disk), .choices = {"off", "disk"},
		.takes = "disk or off", .initial = "disk",
		.help = "keep transcripts across mounts"},
	{"cache_dir", "PATH", KIND_PATH, MEMBER(cache_dir),
		.takes = "the path of a directory",
		.help = "cache directory ($XDG_CACHE_HOME/gladiafs)"},
	{"cache_size", "SIZE", KIND_SIZE, MEMBER(cache_size),
		RANGE(UINT64_C(1) << 20, UINT64_C(1024) << 40),
		.takes = "a size from 1M to 1024T, such as 500M or 2G", .initial = "2G",
		.help = "maximum size of the cache, with K, M, G or T"},
	{"ca_file", "PATH", KIND_PATH, MEMBER(ca_file),
		.takes = "the path of a file with certificates (PEM)",
		.unset = "the system's",
		.help = "trust these certificates instead of the system's"},
	{"proxy", "URL", KIND_PROXY, MEMBER(proxy),
		.takes = "http://, https:// or socks5h:// with HOST[:PORT], or none",
		.unset = "the environment's",
		.help = "proxy to use, or none ($https_proxy)"},
	{"log", "stderr|syslog", KIND_CHOICE, MEMBER(log_syslog),
		.choices = {"stderr", "syslog"}, .takes = "stderr or syslog",
		.help = "where messages go (stderr with -f, else syslog)"},
	{"uid", "USER", KIND_USER, MEMBER(uid), RANGE(0, ID_MAX),
		.takes = "a uid or the name of an existing user",
		.help = "owner of all files (the user that mounts)"},
	{"gid", "GROUP", KIND_GROUP, MEMBER(gid), RANGE(0, ID_MAX),
		.takes = "a gid or the name of an existing group",
		.help = "group of all files (that of the user that mounts)"},
	{"umask", "OCTAL", KIND_OCTAL, MEMBER(umask), RANGE(0, 0777),
		.takes = "octal digits up to 777, such as 077", .initial = "0",
		.help = "permission bits to clear"},
	{"formats", "LIST", KIND_FORMATS, MEMBER(formats),
		.takes = "one or more of json, txt, srt, vtt and md, separated by colons",
		.initial = "json", .help = "files listed for each job, such as txt:srt"},
	{"tz", "ZONE", KIND_ZONE, MEMBER(tz),
		.takes = "UTC, local, or a time zone such as Europe/Paris (in "
			 "/usr/share/zoneinfo, which the package tzdata installs)",
		.initial = "UTC",
		.help = "time zone of days, local or such as Europe/Paris"},
	{"offline_ok", NULL, KIND_FLAG, MEMBER(offline_ok),
		.help = "show cached data while the API is unreachable"},
	{"xattr", NULL, KIND_FLAG, MEMBER(xattr),
		.help = "give jobs extended attributes, user.gladia.*"},
	{"allow_delete", NULL, KIND_FLAG, MEMBER(allow_delete),
		.help = "let rm of ID.json delete the job at Gladia"},
	{"allow_other", NULL, KIND_FLAG, MEMBER(allow_other),
		.help = "let other users access the mount"},
	{"auto_unmount", NULL, KIND_FLAG, MEMBER(auto_unmount),
		.help = "unmount even if the program is killed"},
};

/* Sets the error message for an invalid value and returns -EINVAL. */
static int option_table_refuse(const struct own_option *own, struct buf *errmsg)
{
	if (own->kind == KIND_FLAG)
		return errmsg_set(errmsg, -EINVAL, "-o %s takes no value", own->name);
	if (own->takes)
		return errmsg_set(
			errmsg, -EINVAL, "-o %s takes %s", own->name, own->takes);
	return errmsg_set(errmsg, -EINVAL,
		"-o %s takes a number%s from %" PRIu64 " to %" PRIu64 "%s", own->name,
		own->kind == KIND_SECONDS ? " of seconds" : "", own->min, own->max,
		own->kind == KIND_SECONDS ? ", or a time such as 90s, 5m, 2h or 1d" : "");
}

static int option_table_set_choice(
	const struct own_option *own, const char *value, bool *member, struct buf *errmsg)
{
	for (int i = 0; value && i < 2; i++) {
		if (strcmp(value, own->choices[i]) != 0)
			continue;
		*member = i;
		return 0;
	}
	return option_table_refuse(own, errmsg);
}

/* Finds the number of a user or group by name. Can block on the database of users. */
static bool option_table_find_name(const char *name, enum kind kind, uint64_t *ret_id)
{
	const struct passwd *user = kind == KIND_USER ? getpwnam(name) : NULL;
	const struct group *group = kind == KIND_GROUP ? getgrnam(name) : NULL;

	if (user)
		*ret_id = user->pw_uid;
	if (group)
		*ret_id = group->gr_gid;
	return user || group;
}

static enum option_number_form option_table_form(enum kind kind)
{
	return kind == KIND_SECONDS ? OPTION_NUMBER_SECONDS
	       : kind == KIND_SIZE  ? OPTION_NUMBER_SIZE
	       : kind == KIND_OCTAL ? OPTION_NUMBER_OCTAL
				    : OPTION_NUMBER_DECIMAL;
}

static int option_table_set_number(
	const struct own_option *own, const char *value, void *member, struct buf *errmsg)
{
	uint64_t number;

	if (!value)
		return option_table_refuse(own, errmsg);
	if (!option_number_parse(value, option_table_form(own->kind), &number) &&
		!option_table_find_name(value, own->kind, &number))
		return option_table_refuse(own, errmsg);
	if (number < own->min || number > own->max)
		return option_table_refuse(own, errmsg);
	if (own->kind == KIND_SECONDS)
		number *= 1000;

	uint32_t narrow = (uint32_t)number;

	if (own->size == sizeof(number))
		memcpy(member, &number, sizeof(number));
	else
		memcpy(member, &narrow, sizeof(narrow));
	return 0;
}

/* Stores a path, made absolute because a daemon leaves the current directory. */
static int option_table_set_path(const struct own_option *own, const char *value,
	char **member, struct buf *errmsg)
{
	CLEANUP_FREE char *directory = NULL;
	char *path;

	if (!value || !*value)
		return option_table_refuse(own, errmsg);
	/*
	 * Gladia's keys are UUIDs: an error message about a missing file must not show
	 * one.
	 */
	if (filename_is_uuid(value))
		return errmsg_set(errmsg, -EINVAL,
			"-o %s takes %s: the value given looks like a key itself",
			own->name, own->takes);
	if (*value != '/') {
		directory = getcwd(NULL, 0);
		if (!directory)
			return errmsg_set(errmsg, -EINVAL,
				"-o %s: cannot resolve a relative path, because there is "
				"no current directory (%s): give an absolute path",
				own->name, strerror(errno));
	}
	if (asprintf(&path, "%s%s%s", directory ? directory : "", directory ? "/" : "",
		    value) < 0)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	free(*member);
	*member = path;
	return 0;
}

/*
 * Stores a proxy's URL, or "" for "none". A URL with a user name or password is rejected.
 */
static int option_table_set_proxy(const struct own_option *own, const char *value,
	char **member, struct buf *errmsg)
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
	free(*member);
	*member = copy;
	return 0;
}

static int option_table_set_zone(const struct own_option *own, const char *value,
	char **member, struct buf *errmsg)
{
	if (!value || !zone_exists(value))
		return option_table_refuse(own, errmsg);

	char *copy = strdup(value);

	if (!copy)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	free(*member);
	*member = copy;
	return 0;
}

void option_table_suggest(struct suggestion *suggestion)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		(void)suggestion_try(suggestion, own_options[i].name);
}

bool option_table_has(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		if (strlen(own_options[i].name) == len &&
			strncmp(name, own_options[i].name, len) == 0)
			return true;
	return false;
}

bool option_table_takes_path(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		if (strcmp(name, own_options[i].name) == 0)
			return own_options[i].kind == KIND_PATH;
	return false;
}

size_t option_word_len(const char *text)
{
	return strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
}

/*
 * Parses names of formats, in any order. An unknown word is quoted in the error message
 * if it is too short to be a key.
 */
static int option_table_set_formats(const struct own_option *own, const char *value,
	unsigned *member, struct buf *errmsg)
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
		if (!known && len && len <= SHOWN_MAX && option_word_len(word) >= len)
			return errmsg_set(errmsg, -EINVAL,
				"-o formats: there is no format \"%.*s\": it takes %s",
				(int)len, word, own->takes);
		if (!known)
			return option_table_refuse(own, errmsg);
		formats |= 1u << format;
		word = word[len] ? word + len + 1 : NULL;
	}
	*member = formats;
	return 0;
}

/* Stores the value of an option; `value` is NULL if there is no "=". */
static int option_table_set(const struct own_option *own, const char *value,
	struct options *options, struct buf *errmsg)
{
	void *member = (char *)options + own->offset;

	switch (own->kind) {
	case KIND_FLAG:
		if (value)
			return option_table_refuse(own, errmsg);
		*(bool *)member = true;
		return 0;
	case KIND_CHOICE:
		return option_table_set_choice(own, value, member, errmsg);
	case KIND_PATH:
		return option_table_set_path(own, value, member, errmsg);
	case KIND_PROXY:
		return option_table_set_proxy(own, value, member, errmsg);
	case KIND_ZONE:
		return option_table_set_zone(own, value, member, errmsg);
	case KIND_FORMATS:
		return option_table_set_formats(own, value, member, errmsg);
	default:
		return option_table_set_number(own, value, member, errmsg);
	}
}

int option_table_set_defaults(struct options *options, struct buf *errmsg)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(own_options); i++)
		if (own_options[i].initial)
			err = option_table_set(
				&own_options[i], own_options[i].initial, options, errmsg);
	return err;
}

int options_print_line(const char *name, const char *value, struct buf *out)
{
	int err = buf_printf(out, "%s=", name);

	for (const char *c = value; !err && *c; c++)
		err = iscntrl((unsigned char)*c) || *c == '\\'
			      ? buf_printf(out, "\\%03o", (unsigned)(unsigned char)*c)
			      : buf_append(out, c, 1);
	return err ? err : buf_append_str(out, "\n");
}

/* Returns a number that option_table_set_number() stored, in the unit of the option. */
static uint64_t option_table_number(const struct own_option *own, const void *member)
{
	uint64_t number;
	uint32_t narrow;

	memcpy(&narrow, member, sizeof(narrow));
	number = narrow;
	if (own->size == sizeof(number))
		memcpy(&number, member, sizeof(number));
	return own->kind == KIND_SECONDS ? number / 1000 : number;
}

/* Appends the enabled formats as a colon-separated list of their names. */
static int option_table_print_formats(const char *name, unsigned formats, struct buf *out)
{
	const char *before = "=";
	int err = buf_append_str(out, name);

	for (unsigned i = 0; !err && i < FORMATS; i++) {
		if (!(formats & 1u << i))
			continue;
		err = buf_printf(out, "%s%s", before, format_name((enum format)i));
		before = ":";
	}
	return err ? err : buf_append_str(out, "\n");
}

/* Prints the value of one option. */
static int option_table_print_value(
	const struct own_option *own, const struct options *options, struct buf *out)
{
	const void *member = (const char *)options + own->offset;
	const char *text;
	uint64_t number;

	switch (own->kind) {
	case KIND_FLAG:
		text = *(const bool *)member ? "yes" : "no";
		return options_print_line(own->name, text, out);
	case KIND_CHOICE:
		text = own->choices[*(const bool *)member];
		return options_print_line(own->name, text, out);
	case KIND_PATH:
	case KIND_ZONE:
	case KIND_PROXY:
		text = *(char *const *)member;
		if (!text)
			text = own->unset;
		return text ? options_print_line(own->name, *text ? text : "none", out)
			    : 0;
	case KIND_FORMATS:
		return option_table_print_formats(
			own->name, *(const unsigned *)member, out);
	case KIND_OCTAL:
		number = option_table_number(own, member);
		return buf_printf(out, "%s=%03" PRIo64 "\n", own->name, number);
	default:
		number = option_table_number(own, member);
		if (!number && own->unset)
			return options_print_line(own->name, own->unset, out);
		return buf_printf(out, "%s=%" PRIu64 "\n", own->name, number);
	}
}

int options_print_values(const struct options *options, struct buf *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(own_options); i++)
		err = option_table_print_value(&own_options[i], options, out);
	return err;
}

int option_table_apply(
	const char *name, const char *value, struct options *options, struct buf *errmsg)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++)
		if (strcmp(name, own_options[i].name) == 0)
			return option_table_set(&own_options[i], value, options, errmsg);
	return -ENOENT;
}

void option_table_print_help(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_options); i++) {
		const struct own_option *own = &own_options[i];
		int width = printf("    %s%s%s", own->name, own->value ? "=" : "",
			own->value ? own->value : "");

		printf("%*s%s", width < 25 ? 25 - width : 1, "", own->help);
		if (own->initial || own->kind == KIND_FLAG)
			printf(" (%s)", own->initial ? own->initial : "off");
		printf("\n");
	}
}
