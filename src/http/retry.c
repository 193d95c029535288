/* SPDX-License-Identifier: MIT */
#include "http/retry.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>

/* Returns the next 64 random bits (SplitMix64, Steele, Lea, Flood 2014). */
static uint64_t retry_next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

static int64_t retry_jitter_ms(struct retry_gate *gate, int failures)
{
	int64_t most = RETRY_BASE_MS;

	for (int i = 0; i < failures && most < RETRY_CAP_MS; i++)
		most *= 2;
	if (most > RETRY_CAP_MS)
		most = RETRY_CAP_MS;
	return (int64_t)(retry_next_random(&gate->seed) % (uint64_t)(most + 1));
}

int64_t retry_delay_ms(struct retry_gate *gate, int failures, int64_t retry_after_ms,
	bool slow_all, int64_t now_ms)
{
	int64_t delay = retry_after_ms >= 0 ? retry_after_ms
					    : retry_jitter_ms(gate, failures);

	if (slow_all && gate->closed_until_ms < now_ms + delay)
		gate->closed_until_ms = now_ms + delay;
	return delay;
}

int64_t retry_gate_ms(const struct retry_gate *gate, int64_t now_ms)
{
	return gate->closed_until_ms > now_ms ? gate->closed_until_ms - now_ms : 0;
}

static int64_t retry_parse_seconds(const char *digits)
{
	const int64_t most = RETRY_AFTER_MAX_MS / 1000;
	int64_t seconds = 0;

	for (; isdigit((unsigned char)*digits); digits++) {
		if (seconds <= most)
			seconds = seconds * 10 + (*digits - '0');
	}
	if (digits[strspn(digits, " \t")] != '\0')
		return -1;
	return seconds > most ? -1 : seconds * 1000;
}

int64_t retry_after_parse(const char *value, int64_t wall_ms)
{
	value += strspn(value, " \t");
	if (isdigit((unsigned char)*value))
		return retry_parse_seconds(value);

	/* All formats of HTTP dates begin with a weekday. curl accepts many others. */
	if (!isalpha((unsigned char)*value))
		return -1;

	int64_t seconds = curl_getdate(value, NULL);

	if (seconds == -1)
		return -1;
	/* Compare seconds first: a date far in the future overflows in milliseconds. */
	if (seconds > (wall_ms + RETRY_AFTER_MAX_MS) / 1000)
		return -1;
	return seconds * 1000 > wall_ms ? seconds * 1000 - wall_ms : 0;
}
