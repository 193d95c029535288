/* SPDX-License-Identifier: MIT */
#include "config/api_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/errmsg.h"

/* Limits of RFC 1035, 2.3.4, for text without a final dot. */
enum { HOST_MAX = 253, LABEL_MAX = 63 };

struct host {
	char text[HOST_MAX + 1]; /* as written in a URL, brackets included */
	bool loopback;
};

static const struct scheme {
	const char *text;
	unsigned port;
	bool loopback_only;
} schemes[] = {
	{"https://", 443, false},
	{"http://", 80, true},
};

static const struct scheme *api_url_find_scheme(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (strncasecmp(text, schemes[i].text, strlen(schemes[i].text)) == 0)
			return &schemes[i];
	return NULL;
}

/* True for labels of letters, digits, '-' and '_', separated by single dots. */
static bool api_url_is_name(const char *text)
{
	for (size_t len;; text += len + 1) {
		len = strcspn(text, ".");
		if (!len || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
			return false;
		for (size_t i = 0; i < len; i++)
			if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", text[i]))
				return false;
		if (!text[len])
			return true;
	}
}

/*
 * True if the last label is a number. libcurl would take such a name for an address in
 * one of the forms of inet_aton(3) ("127.1", "2130706433"); we accept only four numbers.
 */
static bool api_url_looks_like_ipv4(const char *text)
{
	const char *dot = strrchr(text, '.');
	const char *last = dot ? dot + 1 : text;

	return *last && strspn(last, "0123456789") == strlen(last);
}

static bool api_url_read_name(const char *text, struct host *ret_host)
{
	struct in_addr address;
	size_t len = strlen(text);

	if (!len || len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		ret_host->text[i] = (char)tolower((unsigned char)text[i]);
	if (!api_url_is_name(ret_host->text))
		return false;
	ret_host->loopback = strcmp(ret_host->text, "localhost") == 0;
	if (!api_url_looks_like_ipv4(ret_host->text))
		return true;
	if (inet_pton(AF_INET, ret_host->text, &address) != 1)
		return false;
	ret_host->loopback = ntohl(address.s_addr) >> 24 == 127;
	return true;
}

static bool api_url_read_ipv6(const char *text, struct host *ret_host)
{
	struct in6_addr address;
	char printed[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &address) != 1 ||
		!inet_ntop(AF_INET6, &address, printed, sizeof(printed)))
		return false;
	(void)snprintf(ret_host->text, sizeof(ret_host->text), "[%s]", printed);
	ret_host->loopback = IN6_IS_ADDR_LOOPBACK(&address);
	return true;
}

/* Parses a port. RFC 3986 allows an empty one, but after a colon we expect a number. */
static bool api_url_read_port(const char *text, unsigned *ret_port)
{
	size_t len = strlen(text);
	unsigned long port = strtoul(text, NULL, 10);

	if (!len || len > 5 || strspn(text, "0123456789") != len || !port || port > 65535)
		return false;
	*ret_port = (unsigned)port;
	return true;
}

/* Parses "host[:port]" and overwrites the separators in `text`. */
static int api_url_read_authority(char *text, const char *what, struct host *ret_host,
	unsigned *ret_port, struct buf *errmsg)
{
	bool bracket = *text == '[';
	char *host = text + bracket;
	char *end = strchr(host, bracket ? ']' : ':');
	char *port = NULL;
	bool good = true;

	if (bracket && (!end || (end[1] && end[1] != ':')))
		return errmsg_set(errmsg, -EINVAL,
			"%s: an IPv6 address is written in brackets, as in "
			"https://[2001:db8::1]:8443",
			what);
	if (end) {
		char *colon = bracket ? end + 1 : end;

		port = *colon ? colon + 1 : NULL;
		*end = '\0';
	}
	good = bracket ? api_url_read_ipv6(host, ret_host)
		       : api_url_read_name(host, ret_host);
	if (!good)
		return errmsg_set(errmsg, -EINVAL,
			"%s: there is no host between the slashes: a name, an IPv4 "
			"address of four numbers or an IPv6 address in brackets, as "
			"in " SOURCE_DEFAULT,
			what);
	if (port && !api_url_read_port(port, ret_port))
		return errmsg_set(errmsg, -EINVAL,
			"%s: the port after the host's colon must be a number from 1 to "
			"65535",
			what);
	return 0;
}

/*
 * Rejects anything but "/" after the host. `tail` is empty or begins with one of "/?#\".
 */
static int api_url_check_tail(const char *tail, const char *what, struct buf *errmsg)
{
	if (!*tail || strcmp(tail, "/") == 0)
		return 0;
	if (strpbrk(tail, "?#"))
		return errmsg_set(errmsg, -EINVAL,
			"%s holds a query or a fragment: leave out what begins with ? "
			"or #",
			what);
	return errmsg_set(errmsg, -EINVAL,
		"%s holds a path: leave out what follows the host, the program knows "
		"the API's paths",
		what);
}

int api_url_parse(
	const char *text, const char *what, char **ret_origin, struct buf *errmsg)
{
	const struct scheme *scheme = api_url_find_scheme(text);
	char authority[HOST_MAX + 16];
	struct host host = {0};
	unsigned port;

	if (!scheme)
		return errmsg_set(errmsg, -EINVAL,
			"%s must begin with https://, or http:// for a loopback address; "
			"left out, it is " SOURCE_DEFAULT,
			what);
	text += strlen(scheme->text);

	size_t len = strcspn(text, "/?#\\");

	if (memchr(text, '@', len))
		return errmsg_set(errmsg, -EINVAL,
			"%s holds a user name or a password: leave out the part "
			"before the @, the key comes from a file (key_file=)",
			what);
	if (len >= sizeof(authority))
		return errmsg_set(
			errmsg, -EINVAL, "%s: the host's name is too long", what);
	memcpy(authority, text, len);
	authority[len] = '\0';
	port = scheme->port;

	int err = api_url_read_authority(authority, what, &host, &port, errmsg);

	if (!err)
		err = api_url_check_tail(text + len, what, errmsg);
	if (err)
		return err;
	if (scheme->loopback_only && !host.loopback)
		return errmsg_set(errmsg, -EINVAL,
			"%s begins with http://, which would send the key unencrypted: "
			"use https:// (http:// is for 127.0.0.1, [::1] and localhost)",
			what);

	char *origin;
	bool usual = port == scheme->port;
	int made = usual ? asprintf(&origin, "%s%s", scheme->text, host.text)
			 : asprintf(&origin, "%s%s:%u", scheme->text, host.text, port);

	if (made < 0)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	*ret_origin = origin;
	return 0;
}

static bool api_url_means_default(const char *source)
{
	return !source || strcmp(source, "gladia") == 0 || strcmp(source, "none") == 0;
}

int api_url_find(const char *source, char **ret_origin, struct buf *errmsg)
{
	const char *variable = getenv("GLADIA_API_URL");

	if (!api_url_means_default(source))
		return api_url_parse(source, "SOURCE", ret_origin, errmsg);
	if (variable && *variable)
		return api_url_parse(
			variable, "the variable GLADIA_API_URL", ret_origin, errmsg);
	return api_url_parse(SOURCE_DEFAULT, "the default", ret_origin, errmsg);
}
