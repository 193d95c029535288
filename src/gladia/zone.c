/* SPDX-License-Identifier: MIT */
#include "gladia/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gladia/timestamp.h"

enum { SECOND_MS = 1000 };

static const char name_utc[] = "UTC";
static const char name_local[] = "local";

/* True if the database of time zones has a file of this name. */
static bool zone_has_file(const char *name)
{
	static const char magic[] = "TZif";
	char path[256];
	char start[sizeof(magic) - 1];
	int len = snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return false;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;

	bool is_zone = read(fd, start, sizeof(start)) == sizeof(start) &&
		       memcmp(start, magic, sizeof(start)) == 0;

	close(fd);
	return is_zone;
}

bool zone_exists(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (strcmp(name, name_utc) == 0 || strcmp(name, name_local) == 0)
		return true;
	/* Without dots, it is below the directory. */
	return *name && strchr(letters, *name) && !strchr(name, '.') &&
	       zone_has_file(name);
}

enum zone zone_use(const char *name)
{
	if (strcmp(name, name_utc) == 0)
		return ZONE_UTC;
	/* If memory is short, the days are those of the zone that the process has. */
	if (strcmp(name, name_local) != 0)
		(void)setenv("TZ", name, 1);
	tzset();
	return ZONE_LOCAL;
}

/* Returns how far local clocks are ahead of UTC. */
static int64_t zone_offset_ms(int64_t ms)
{
	time_t seconds = (time_t)(ms / SECOND_MS - (ms % SECOND_MS < 0));
	struct tm local;

	return localtime_r(&seconds, &local) ? local.tm_gmtoff * SECOND_MS : 0;
}

int64_t zone_timestamp(enum zone zone, int64_t local_ms)
{
	if (zone == ZONE_UTC)
		return local_ms;

	/* Clocks are ahead by one of these, because they are not set twice in two days.
	 */
	int64_t before_ms = local_ms - zone_offset_ms(local_ms - DAY_MS);
	int64_t after_ms = local_ms - zone_offset_ms(local_ms + DAY_MS);

	if (after_ms >= before_ms)
		return before_ms + zone_offset_ms(before_ms) >= local_ms ? before_ms
									 : after_ms;
	return after_ms + zone_offset_ms(after_ms) >= local_ms ? after_ms : before_ms;
}

int zone_parse_timestamp(enum zone zone, const char *text, int64_t *ret_ms)
{
	static const char date[] = "YYYY-MM-DD";
	int64_t ms;

	if (timestamp_parse(text, &ms))
		return -EINVAL;
	/* Only a zone has one of these after the date. */
	if (!strpbrk(text + strlen(date), "Z+-"))
		ms = zone_timestamp(zone, ms);
	if (ms < TIMESTAMP_FIRST || ms > TIMESTAMP_LAST)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

int64_t zone_day_begin(enum zone zone, int64_t day)
{
	return zone_timestamp(zone, day * DAY_MS);
}

int64_t zone_day(enum zone zone, int64_t ms)
{
	if (zone == ZONE_UTC)
		return day_of_timestamp(ms);

	int64_t offset_ms = zone_offset_ms(ms);
	int64_t day = day_of_timestamp(ms + offset_ms);

	if (zone_offset_ms(ms - DAY_MS) == offset_ms &&
		zone_offset_ms(ms + DAY_MS) == offset_ms)
		return day;
	/* If clocks are set back past midnight, they show the day before once more. */
	if (ms < zone_day_begin(zone, day))
		return day - 1;
	return ms < zone_day_begin(zone, day + 1) ? day : day + 1;
}
