/* SPDX-License-Identifier: MIT */
/* Creates libcurl's easy handles: checks the URL and sets all options. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "http/http_internal.h"
#include "http/url.h"

enum {
	/* Bytes. Pages are megabytes, so a large buffer saves system calls. */
	RECEIVE_BUFFER = 256 * 1024,
	/* Seconds without traffic after which the kernel sends a TCP keepalive probe. */
	KEEPALIVE_S = 30,
};

/* Makes the kernel close a connection whose peer vanished, so that it is not reused. */
static int transfer_on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	const struct http_config *config = ctx;
	unsigned patience_ms = (unsigned)(config->connect_ms + config->stall_ms);

	(void)purpose;
	/* A failure is ignored: the option is useful, but requests work without it. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
	return CURL_SOCKOPT_OK;
}

static int transfer_set_connection(
	CURL *easy, const struct http_config *config, bool loopback)
{
	int failed = 0;

	failed |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_ms);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_SOCKOPTFUNCTION, transfer_on_socket);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, config);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Otherwise cancelling a request while its name is resolved would block. */
	failed |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	/*
	 * A proxy is used only for other hosts, and those always use https. The proxy
	 * then receives a CONNECT request, which must not contain the secret header.
	 */
	if (loopback || config->proxy)
		failed |= (int)curl_easy_setopt(
			easy, CURLOPT_PROXY, loopback ? "" : config->proxy);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/*
	 * We do not set CURLOPT_PIPEWAIT. If the server supports HTTP/2, it would save
	 * some handshakes at the start; if not, all requests would wait for the first
	 * one.
	 */
	return failed;
}

static int transfer_set_request(CURL *easy, const struct http_transfer_options *options)
{
	int failed = 0;

	if (options->ca)
		failed |= (int)curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, options->ca);

	failed |= (int)curl_easy_setopt(easy, CURLOPT_URL, options->url);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	if (strcmp(options->method, "GET") != 0)
		failed |= (int)curl_easy_setopt(
			easy, CURLOPT_CUSTOMREQUEST, options->method);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_USERAGENT, options->config->user_agent);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, options->headers);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	failed |= (int)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	failed |= (int)curl_easy_setopt(
		easy, CURLOPT_PREREQFUNCTION, options->on_connected);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_PREREQDATA, options->ctx);
	return failed;
}

int http_transfer_new(const struct http_transfer_options *options, CURL **ret_easy)
{
	struct http_url url;
	const char *reason;
	int err = http_url_parse(options->url, &url, &reason);

	if (err)
		return err;
	free(url.origin);

	CURL *easy = curl_easy_init();

	if (!easy)
		return -ENOMEM;
	if (transfer_set_connection(easy, options->config, url.loopback) ||
		transfer_set_request(easy, options)) {
		curl_easy_cleanup(easy);
		return -ENOMEM;
	}
	*ret_easy = easy;
	return 0;
}

int http_read_ca_file(const char *path, struct buf *text)
{
	CLEANUP_FILE FILE *file = fopen(path, "re");
	struct stat status;
	char line[256];
	bool found = false;

	if (!file || fstat(fileno(file), &status) || !S_ISREG(status.st_mode))
		return -EINVAL;
	while (fgets(line, sizeof(line), file)) {
		int err = buf_append_str(text, line);

		if (err)
			return err == -ENOMEM ? err : -EINVAL;
		/* RFC 7468, 2. OpenSSL also accepts "X509 " or "TRUSTED " in front. */
		if (!strncmp(line, "-----BEGIN ", 11) && strstr(line, "CERTIFICATE-----"))
			found = true;
	}
	return found && !ferror(file) ? 0 : -EINVAL;
}
