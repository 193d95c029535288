/* SPDX-License-Identifier: MIT */
#include "config_text.h"

#include "base/array.h"
#include "config/api_key.h"
#include "config/options.h"

int config_text_print(const struct mount_plan *plan, struct buf *out)
{
	struct options options = *plan->options;
	const struct {
		const char *name;
		const char *value; /* NULL: none */
	} lines[] = {
		{"version", GLADIAFS_VERSION},
		{"source", options.source},
		{"origin", options.origin},
		{"mountpoint", plan->mountpoint.path},
		{"key_file", key_source_name(&plan->key_source)},
		{"key_hides", plan->key_source.hidden},
		{"cache_file", plan->cache_path},
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(lines); i++)
		err = options_print_line(
			lines[i].name, lines[i].value ? lines[i].value : "none", out);
	/* The lines above say which files are used. */
	options.key_file = NULL;
	options.cache_dir = NULL;
	/* The options say what was requested; here they say what is in effect. */
	options.cache_disk = plan->cache_path != NULL;
	options.timeout_ms = plan->timeout_ms;
	return err ? err : options_print_values(&options, out);
}
