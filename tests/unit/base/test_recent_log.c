/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka.h"

#include "base/log.h"
#include "base/recent_log.h"

/* SEMANTICS 9.1: the last 64 messages are kept, with their times. */

enum { THREADS = 4, EACH = 500 };

struct seen {
	unsigned len;
	int64_t wall_ms[RECENT_LOG_MAX];
	char texts[RECENT_LOG_MAX][RECENT_LOG_TEXT_MAX];
};

static int64_t count_up(void *ctx)
{
	return ++*(int64_t *)ctx;
}

static void see(void *ctx, int64_t wall_ms, const char *text)
{
	struct seen *seen = ctx;

	assert_in_range(seen->len, 0, RECENT_LOG_MAX - 1);
	seen->wall_ms[seen->len] = wall_ms;
	strcpy(seen->texts[seen->len++], text);
}

static void the_last_are_kept(void **state)
{
	int64_t time = 0;
	const struct clock clock = {count_up, count_up, &time};
	struct recent_log *recent_log;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(recent_log_new(&clock, &recent_log), 0);
	recent_log_each(recent_log, see, &seen);
	assert_int_equal(seen.len, 0);
	for (int i = 1; i <= RECENT_LOG_MAX + 3; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "no. %d", i);
		recent_log_add(recent_log, text);
	}
	recent_log_each(recent_log, see, &seen);
	assert_int_equal(seen.len, RECENT_LOG_MAX);
	assert_string_equal(seen.texts[0], "no. 4");
	assert_int_equal(seen.wall_ms[0], 4);
	assert_string_equal(seen.texts[RECENT_LOG_MAX - 1], "no. 67");
	recent_log_free(recent_log);
	recent_log_free(NULL);
}

/* A message is kept as one line of limited length (SEMANTICS 11.3). */
static void a_message_is_a_line(void **state)
{
	static char text[2 * RECENT_LOG_TEXT_MAX];
	int64_t time = 0;
	const struct clock clock = {count_up, count_up, &time};
	struct recent_log *recent_log;
	struct seen seen = {0};

	(void)state;
	assert_int_equal(recent_log_new(&clock, &recent_log), 0);
	recent_log_add(recent_log, "a\nb\033[1mc\x7f caf\xc3\xa9");
	memset(text, 'x', sizeof(text) - 1);
	recent_log_add(recent_log, text);
	recent_log_each(recent_log, see, &seen);
	assert_string_equal(seen.texts[0], "a?b?[1mc? caf\xc3\xa9");
	assert_int_equal(strlen(seen.texts[1]), RECENT_LOG_TEXT_MAX - 1);
	recent_log_free(recent_log);
}

static void *log_much(void *ctx)
{
	for (int i = 0; i < EACH; i++)
		log_error(ctx, "number %d", i);
	return NULL;
}

/* Errors and warnings from any thread are kept; messages of -d are not. */
static void the_log_is_recorded(void **state)
{
	struct log log;
	struct seen seen = {0};
	pthread_t threads[THREADS];
	int to_stderr = dup(STDERR_FILENO);
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	log_init(&log, "test", false, true);
	assert_int_equal(recent_log_new(&clock_system, &log.recent), 0);
	dup2(nowhere, STDERR_FILENO);
	log_error(&log, "an %s", "error");
	log_warning(&log, "a warning");
	log_debug(&log, "a message");
	recent_log_each(log.recent, see, &seen);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, log_much, &log);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	dup2(to_stderr, STDERR_FILENO);
	close(to_stderr);
	close(nowhere);
	assert_int_equal(seen.len, 2);
	assert_string_equal(seen.texts[0], "an error");
	assert_string_equal(seen.texts[1], "a warning");
	seen.len = 0;
	recent_log_each(log.recent, see, &seen);
	assert_int_equal(seen.len, RECENT_LOG_MAX);
	for (unsigned i = 0; i < seen.len; i++)
		assert_int_equal(strncmp(seen.texts[i], "number ", 7), 0);
	recent_log_free(log.recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_are_kept),
		cmocka_unit_test(a_message_is_a_line),
		cmocka_unit_test(the_log_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
