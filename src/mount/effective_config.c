/* SPDX-License-Identifier: MIT */
#include "mount/effective_config.h"

#include "base/array.h"

int effective_config_print(const struct mount_plan *config, struct buf *out)
{
	struct options options = *config->options;
	const struct {
		const char *name;
		const char *value; /* NULL: none */
	} lines[] = {
		{"version", GLADIAFS_VERSION},
		{"source", options.source},
		{"origin", options.origin},
		{"mountpoint", config->mountpoint},
		{"key_file", key_source_name(config->key_source)},
		{"key_hides", config->key_source->hidden},
		{"cache_file", config->cache_path},
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(lines); i++)
		err = options_print_line(
			lines[i].name, lines[i].value ? lines[i].value : "none", out);
	/* The lines above say which files are used. */
	options.key_file = NULL;
	options.cache_dir = NULL;
	/* The options say what was requested; here they say what is in effect. */
	options.cache_disk = config->cache_path != NULL;
	options.timeout_ms = config->timeout_ms;
	return err ? err : options_print_values(&options, out);
}
