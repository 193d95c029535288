/* SPDX-License-Identifier: MIT */
/*
 * Prints the configuration in effect, one "name=value" line per setting.
 */
#include "mount/effective_config.h"

#include <inttypes.h>

#include "render/render.h"

/* The lines printed so far, and the first error; after an error nothing is added. */
struct lines {
	struct buf *out;
	int error;
};

/* Appends a line and escapes the control characters and backslashes of `value`. */
static void config_put_text(struct lines *lines, const char *name, const char *value)
{
	int err = lines->error;

	if (!err)
		err = buf_printf(lines->out, "%s=", name);
	for (const char *c = value; !err && *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte < ' ' || byte == 0x7f || byte == '\\')
			err = buf_printf(lines->out, "\\%03o", byte);
		else
			err = buf_append(lines->out, c, 1);
	}
	if (!err)
		err = buf_append_str(lines->out, "\n");
	lines->error = err;
}

static void config_put_number(struct lines *lines, const char *name, uint64_t number)
{
	if (!lines->error)
		lines->error = buf_printf(lines->out, "%s=%" PRIu64 "\n", name, number);
}

static void config_put_flag(struct lines *lines, const char *name, bool value)
{
	config_put_text(lines, name, value ? "yes" : "no");
}

/* Appends the enabled formats as a colon-separated list of their names. */
static void config_put_formats(struct lines *lines, unsigned formats)
{
	const char *colon = "";

	if (!lines->error)
		lines->error = buf_append_str(lines->out, "formats=");
	for (unsigned i = 0; i < FORMATS; i++) {
		if (!(formats & 1u << i))
			continue;
		if (!lines->error)
			lines->error = buf_printf(
				lines->out, "%s%s", colon, format_name((enum format)i));
		colon = ":";
	}
	if (!lines->error)
		lines->error = buf_append_str(lines->out, "\n");
}

int effective_config_print(const struct mount_plan *config, struct buf *out)
{
	const struct options *options = config->options;
	struct lines lines = {.out = out};

	config_put_text(&lines, "version", GLADIAFS_VERSION);
	config_put_text(&lines, "source", options->source);
	config_put_text(&lines, "origin", options->origin);
	config_put_text(&lines, "mountpoint", config->mountpoint);
	config_put_text(&lines, "key_file", key_source_name(config->key_source));
	config_put_text(&lines, "key_hides",
		config->key_source->hidden ? config->key_source->hidden : "none");
	config_put_number(&lines, "ttl", (uint64_t)options->ttl_ms / 1000);
	config_put_number(&lines, "timeout", (uint64_t)config->timeout_ms / 1000);
	config_put_number(&lines, "connections", (uint64_t)options->connections);
	if (options->page_size)
		config_put_number(&lines, "page_size", options->page_size);
	else
		config_put_text(&lines, "page_size", "adaptive");
	config_put_formats(&lines, options->formats);
	config_put_text(&lines, "cache", config->cache_path ? "disk" : "off");
	config_put_text(
		&lines, "cache_file", config->cache_path ? config->cache_path : "none");
	config_put_number(&lines, "cache_size", options->cache_size);
	config_put_text(
		&lines, "ca_file", options->ca_file ? options->ca_file : "the system's");
	config_put_text(&lines, "proxy",
		!options->proxy   ? "the environment's"
		: *options->proxy ? options->proxy
				  : "none");
	config_put_text(&lines, "log", options->log_syslog ? "syslog" : "stderr");
	config_put_number(&lines, "uid", options->uid);
	config_put_number(&lines, "gid", options->gid);
	if (!lines.error)
		lines.error = buf_printf(out, "umask=%03o\n", (unsigned)options->umask);
	config_put_flag(&lines, "allow_other", options->allow_other);
	config_put_flag(&lines, "auto_unmount", options->auto_unmount);
	config_put_flag(&lines, "offline_ok", options->offline_ok);
	config_put_flag(&lines, "allow_delete", options->allow_delete);
	config_put_flag(&lines, "xattr", options->xattr);
	return lines.error;
}
