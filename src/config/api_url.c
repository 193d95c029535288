/* SPDX-License-Identifier: MIT */
#include "api_url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/errmsg.h"
#include "http/url.h"

static int api_url_check(const struct http_url *url, const char *what, struct buf *errmsg)
{
	if (url->has_user)
		return errmsg_set(errmsg, -EINVAL,
			"%s contains a user name or a password: leave out the part "
			"before the @; the key comes from a file (key_file=)",
			what);
	if (url->has_query)
		return errmsg_set(errmsg, -EINVAL,
			"%s contains a query or a fragment: leave out everything from ? "
			"or # on",
			what);
	if (url->has_path)
		return errmsg_set(errmsg, -EINVAL,
			"%s contains a path: leave out everything after the host; "
			"gladiafs adds the API's paths",
			what);
	if (!url->https && !url->loopback)
		return errmsg_set(errmsg, -EINVAL,
			"%s begins with http://, which would send the key unencrypted: "
			"use https:// (http:// is for 127.0.0.1, [::1] and localhost)",
			what);
	return 0;
}

int api_url_parse(
	const char *text, const char *what, char **ret_origin, struct buf *errmsg)
{
	struct http_url url;
	const char *reason;
	int err = http_url_parse(text, &url, &reason);

	if (err == -ENOMEM)
		return errmsg_set(errmsg, -ENOMEM, "out of memory");
	if (err)
		return errmsg_set(errmsg, -EINVAL,
			"%s is not a URL such as " SOURCE_DEFAULT ": %s", what, reason);
	err = api_url_check(&url, what, errmsg);
	if (err) {
		free(url.origin);
		return err;
	}
	*ret_origin = url.origin;
	return 0;
}

bool api_url_means_default(const char *source)
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
