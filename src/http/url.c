/* SPDX-License-Identifier: MIT */
#include "http/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(url_cleanup_curlu, CURLU *, curl_url_cleanup)
DEFINE_CLEANUP(url_cleanup_string, char *, curl_free)

/*
 * True if the host is this machine, by name or address (RFC 6761, 6.3; RFC 1122, 3.2.1.3;
 * RFC 4291).
 */
static bool url_host_is_loopback(const char *host)
{
	struct in_addr address;

	if (!strcasecmp(host, "localhost") || !strcmp(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &address) == 1 &&
	       ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

/*
 * True if the host has only printable ASCII characters. libcurl also takes any other byte
 * and leaves it to the resolver.
 */
static bool url_host_is_ascii(const char *host)
{
	while (*host > ' ' && *host < 0x7f)
		host++;
	return !*host;
}

/* True if the URL has that part. Before curl 8.8 an empty query counts, too. */
static bool url_has(CURLU *url, CURLUPart part)
{
	CLEANUP(url_cleanup_string) char *text = NULL;

	return !curl_url_get(url, part, &text, 0);
}

/*
 * Copies a URL up to its path, in lower case. `text` is as libcurl prints it, so it has
 * "//" and a path. Returns NULL if there is no memory.
 */
static char *url_copy_origin(const char *text)
{
	const char *host = strstr(text, "//") + 2;
	char *origin = strndup(text, (size_t)(strchr(host, '/') - text));

	for (char *c = origin; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return origin;
}

static CURLUcode url_read(CURLU *url, struct http_url *ret_url)
{
	CLEANUP(url_cleanup_string) char *scheme = NULL;
	CLEANUP(url_cleanup_string) char *host = NULL;
	CLEANUP(url_cleanup_string) char *port = NULL;
	CLEANUP(url_cleanup_string) char *path = NULL;
	CURLUcode code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);

	if (!code)
		code = curl_url_get(url, CURLUPART_HOST, &host, 0);
	if (!code)
		code = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (!code)
		code = curl_url_get(url, CURLUPART_PATH, &path, 0);
	if (code)
		return code;
	if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		return CURLUE_UNSUPPORTED_SCHEME;
	if (!url_host_is_ascii(host))
		return CURLUE_BAD_HOSTNAME;
	if (strcmp(port, "0") == 0)
		return CURLUE_BAD_PORT_NUMBER;
	*ret_url = (struct http_url){
		.https = strcmp(scheme, "https") == 0,
		.loopback = url_host_is_loopback(host),
		.has_user = url_has(url, CURLUPART_USER) ||
			    url_has(url, CURLUPART_PASSWORD),
		.has_path = strcmp(path, "/") != 0,
		.has_query = url_has(url, CURLUPART_QUERY) ||
			     url_has(url, CURLUPART_FRAGMENT),
	};
	return CURLUE_OK;
}

int http_url_parse(const char *text, struct http_url *ret_url, const char **ret_reason)
{
	CLEANUP(url_cleanup_curlu) CURLU *url = curl_url();
	CLEANUP(url_cleanup_string) char *normal = NULL;

	if (!url)
		return -ENOMEM;

	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);

	if (!code)
		code = url_read(url, ret_url);
	if (!code)
		code = curl_url_set(url, CURLUPART_USER, NULL, 0);
	if (!code)
		code = curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	if (!code)
		code = curl_url_get(url, CURLUPART_URL, &normal, CURLU_NO_DEFAULT_PORT);
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (code) {
		*ret_reason = curl_url_strerror(code);
		return -EINVAL;
	}
	ret_url->origin = url_copy_origin(normal);
	return ret_url->origin ? 0 : -ENOMEM;
}

static bool url_is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

int http_url_print_encoded(const char *text, size_t len, struct buf *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < len; i++) {
		if (url_is_unreserved(text[i]))
			err = buf_append(out, &text[i], 1);
		else
			err = buf_printf(out, "%%%02X", (unsigned char)text[i]);
	}
	return err;
}
