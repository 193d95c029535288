/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmocka.h"

#include "api_fixture.h"

/* gladia/api.h: deleting a job (SEMANTICS 10.1), and how lost answers are handled. */

#define TARGET       "/v2/pre-recorded/a"
#define ANSWER(text) BYTES("HTTP/1.1 " text "\r\nContent-Length: 0\r\n\r\n")
#define ONCE(text)   ANSWER(text), .only = 1

static void is_deletion(struct api_fixture *fixture, int index)
{
	assert_holds(
		raw_server_head(fixture->server, index), "DELETE " TARGET " HTTP/1.1");
	assert_holds(
		raw_server_head(fixture->server, index), "x-gladia-key: " FIXTURE_KEY);
}

/*
 * Deletes the job "a" and checks that only DELETE requests were sent. Returns the error.
 */
static int delete_job(const struct raw_route *routes, int requests, const char *errmsg)
{
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_delete(fixture, "a");

	fixture_settle(call);

	int error = call->error;

	assert_int_equal(call->has_page, !error);
	if (!error)
		assert_true(call->page.status == 202 || call->page.status == 204 ||
			    call->page.status == 404);
	assert_holds(call->why, errmsg);
	assert_int_equal(raw_server_requests(fixture->server), requests);
	for (int i = 0; i < requests; i++)
		is_deletion(fixture, i);
	fixture_free(fixture);
	return error;
}

/*
 * SEMANTICS 10.1: the job is deleted after 202 or an equivalent answer, whatever the body
 * contains.
 */
static void a_job_is_deleted(void **state)
{
	static const struct raw_route cases[][2] = {
		{{TARGET, ANSWER("202 Accepted")}, {.target = NULL}},
		{{TARGET, BYTES("HTTP/1.1 204 No Content\r\n\r\n")}, {.target = NULL}},
		{{TARGET, BYTES("HTTP/1.1 202 x\r\nContent-Length: 8\r\n\r\nnot JSON")},
			{.target = NULL}},
		/* The rest of the body is missing. */
		{{TARGET, BYTES("HTTP/1.1 202 x\r\nContent-Length: 9\r\n\r\ncut"),
			 .after = RAW_CLOSE},
			{.target = NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(delete_job(cases[i], 1, ""), 0);
}

/*
 * SEMANTICS 10.1: a bare 200 may come from any server, so the next attempt finds out if
 * the job was deleted.
 */
static void a_page_of_a_proxy_deletes_nothing(void **state)
{
	static const struct raw_route done[] = {{TARGET, BODY("<html>"), .only = 1},
		{TARGET, ANSWER("404 x")}, {.target = NULL}};
	static const struct raw_route not_yet[] = {{TARGET, ONCE("200 OK")},
		{TARGET, ANSWER("202 Accepted")}, {.target = NULL}};
	static const struct raw_route never[] = {
		{TARGET, BODY("<html>")}, {.target = NULL}};

	(void)state;
	assert_int_equal(delete_job(done, 2, ""), 0);
	assert_int_equal(delete_job(not_yet, 2, ""), 0);
	assert_int_equal(delete_job(never, 3,
				 "200, which does not confirm that the job was deleted"),
		-EIO);
}

/* SEMANTICS 10.1, 11.1: a refusal by the API is an error. */
static void refusals_are_errors(void **state)
{
	static const struct {
		struct raw_route routes[2];
		int error;
		const char *why;
	} cases[] = {
		{{{TARGET, ANSWER("403 x")}, {.target = NULL}}, -EBUSY,
			"deleting job a: the server answered 403 Forbidden; only "
			"finished jobs can be deleted"},
		{{{TARGET, ANSWER("404 x")}, {.target = NULL}}, -ENOENT, "404 Not Found"},
		{{{TARGET, ANSWER("401 x")}, {.target = NULL}}, -EACCES, "check the API"},
		{{{TARGET, ANSWER("405 x")}, {.target = NULL}}, -EIO, "405 Method"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(
			delete_job(cases[i].routes, 1, cases[i].why), cases[i].error);
}

/*
 * SEMANTICS 10.1: if an attempt's answer was lost and the next attempt gets 404, the
 * first one deleted the job.
 */
static void a_lost_answer_is_no_lost_race(void **state)
{
	static const struct raw_route cases[][3] = {
		{{TARGET, BYTES(""), .after = RAW_CLOSE, .only = 1},
			{TARGET, ANSWER("404 x")}, {.target = NULL}},
		{{TARGET, BYTES(""), .after = RAW_RESET, .only = 1},
			{TARGET, ANSWER("404 x")}, {.target = NULL}},
		{{TARGET, ONCE("500 x")}, {TARGET, ANSWER("404 x")}, {.target = NULL}},
		{{TARGET, ONCE("502 x")}, {TARGET, ANSWER("404 x")}, {.target = NULL}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(delete_job(cases[i], 2, ""), 0);
}

/*
 * SEMANTICS 10.1, 11.1: an attempt that was refused has deleted nothing, so a 404 after
 * it is an error.
 */
static void a_404_after_a_refusal_is_an_error(void **state)
{
	static const struct raw_route routes[] = {{TARGET, ONCE("429 x")},
		{TARGET, ONCE("408 x")}, {TARGET, ANSWER("404 x")}, {.target = NULL}};

	(void)state;
	assert_int_equal(delete_job(routes, 3, "404 Not Found"), -ENOENT);
}

/*
 * SEMANTICS 11.1: a deletion ends in time, even if it is not known if the job was
 * deleted.
 */
static void silence_ends_in_time(void **state)
{
	static const struct raw_route routes[] = {
		{TARGET, BYTES(""), .after = RAW_HOLD}, {.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	struct test_call *call = fixture_delete(fixture, "a");

	(void)state;
	fixture_until_requests(fixture, 1);
	fixture_forward(fixture, FIXTURE_TIMEOUT_MS);
	fixture_settle(call);
	assert_int_equal(call->error, -ETIMEDOUT);
	assert_holds(call->why, "deleting job a: ");
	fixture_free(fixture);
}

static void it_needs_an_id(void **state)
{
	static const struct raw_route routes[] = {{.target = NULL}};
	struct api_fixture *fixture = fixture_new(routes);
	static const struct api_handlers none;
	struct api_call *call;

	(void)state;
	assert_int_equal(api_delete(fixture->api, "", &none, NULL, &call), -EINVAL);
	assert_int_equal(raw_server_requests(fixture->server), 0);
	fixture_free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_deleted),
		cmocka_unit_test(a_page_of_a_proxy_deletes_nothing),
		cmocka_unit_test(refusals_are_errors),
		cmocka_unit_test(a_lost_answer_is_no_lost_race),
		cmocka_unit_test(a_404_after_a_refusal_is_an_error),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(it_needs_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
