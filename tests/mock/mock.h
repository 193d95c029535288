/* SPDX-License-Identifier: MIT */
#pragma once

#include "account.h"
#include "answer.h"
#include "fault.h"
#include "generate.h"
#include "listing.h"
#include "modes.h"
#include "reqlog.h"
#include "schedule.h"

/*
 * The state of the mock server, and that of a request. There is only one thread.
 */

struct server;

struct mock {
	struct modes modes;
	struct modes initial;   /* the modes from the command line */
	struct account account; /* pre-recorded jobs */
	struct account live;    /* live sessions */
	struct listings listings, live_listings;
	size_t live_jobs; /* number of live sessions to generate */
	struct population population;
	uint64_t chance; /* random state for jobs that are created by control calls */
	struct faults faults;
	struct schedules schedules;
	struct reqlog log;
	struct server *server;
	uint16_t port;
};

/* The progress of a request. */
enum phase { PHASE_HEADERS, PHASE_BODY, PHASE_WAITING, PHASE_ANSWERED };

/* The condition that a held request waits for. */
enum hold { HOLD_NONE, HOLD_TIME, HOLD_RELEASE, HOLD_CONDITION };

struct exchange {
	struct MHD_Connection *connection;
	struct exchange *prev, *next; /* in the server's list of requests */
	struct server *server;
	int fd;
	char method[16];
	char *path;  /* as received, up to "?" */
	char *query; /* as received, after "?"; never NULL */
	struct text upload;
	enum phase phase;
	enum hold hold;
	int64_t until; /* ticks at which the hold ends; -1: only by a release */
	bool gone;     /* the client has disconnected */
	bool live;     /* it is about live sessions, not pre-recorded jobs */
	bool is_api;   /* it is counted and logged, and can have a fault */
	char request_id[16];
	char origin[128]; /* "http://HOST" from the header Host */
	uint64_t number;  /* its number in the log */
	struct fault_action fault;
	struct wait_for wait; /* the condition of HOLD_CONDITION */
	struct answer answer;
	struct answer_hint hint; /* position in the answer of the next byte to send */
	int64_t sending_since;
	uint64_t sent;
};

/* Returns the account that a request is about. */
struct account *exchange_account(struct mock *s, const struct exchange *x);

/* Answer a request to the API, or a control call (below /_mock/). */
void api_answer(struct mock *s, struct exchange *x);
void control_answer(struct mock *s, struct exchange *x);

/* Answers with an error in the API's form. `validation` is JSON or NULL. */
void api_error(
	struct exchange *x, unsigned status, const char *message, const char *validation);

/* Adds the Retry-After that the modes select. */
void api_retry_after(const struct modes *modes, struct answer *a);
