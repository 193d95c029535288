/* SPDX-License-Identifier: MIT */
/* Counts attempts and their results for .gladiafs/stats. */
#include "gladia/api_internal.h"

static void stats_count_status(struct api_stats *stats, long status)
{
	unsigned i = 0;

	while (i < stats->statuses_len && stats->statuses[i].status != status)
		i++;
	if (i == stats->statuses_len && i < API_STATUSES_MAX + 1)
		stats->statuses[stats->statuses_len++].status =
			i < API_STATUSES_MAX ? status : 0;
	if (i > API_STATUSES_MAX)
		i = API_STATUSES_MAX;
	stats->statuses[i].responses++;
}

void api_stats_count(struct api_stats *stats, const struct http_result *result)
{
	stats->bytes += result->bytes;
	if (result->failure != HTTP_OK && result->failure != HTTP_REFUSED) {
		stats->failed++;
		return;
	}
	stats_count_status(stats, result->status);
	histogram_add(&stats->latency, result->elapsed_ms);
}
