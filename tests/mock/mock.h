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
 * The whole mock server, and one request that it handles. All runs in one thread.
 */

struct server;

struct mock {
	struct modes modes;
	struct modes initial; /* as the command line has them */
	struct account account;
	struct listings listings;
	struct population population;
	uint64_t chance; /* of jobs that are made at run time */
	struct faults faults;
	struct schedules schedules;
	struct reqlog log;
	struct server *server;
	uint16_t port;
};

/* The way of a request; `next` is what the handler does when it is called again. */
enum phase { PHASE_HEADERS, PHASE_BODY, PHASE_WAITING, PHASE_ANSWERED };

/* The condition that a held request waits for. */
enum hold { HOLD_NONE, HOLD_TIME, HOLD_RELEASE, HOLD_CONDITION };

struct exchange {
	struct MHD_Connection *connection;
	struct exchange *prev, *next; /* in the server's list of requests */
	struct server *server;
	int fd;
	char method[16];
	char *path;  /* as sent, up to "?" */
	char *query; /* as sent, behind "?"; never NULL */
	struct text upload;
	enum phase phase;
	enum hold hold;
	int64_t until; /* ticks at which the hold ends, -1: never by itself */
	bool gone;     /* the client has left */
	bool is_api;   /* counted, logged, and open to faults */
	char request_id[16];
	char origin[128]; /* "http://HOST", as the client calls us */
	uint64_t number;  /* in the log */
	struct fault_action fault;
	struct wait_for wait; /* with HOLD_CONDITION */
	struct answer answer;
	struct answer_hint hint; /* where sending got to */
	int64_t sending_since;
	uint64_t sent;
};

/* Answers a request of the API, or of the controls (below /_mock/). */
void api_answer(struct mock *s, struct exchange *x);
void control_answer(struct mock *s, struct exchange *x);

/* Gives the answer an error as the API words it; `validation` is JSON or NULL. */
void api_error(
	struct exchange *x, unsigned status, const char *message, const char *validation);

/* Adds Retry-After as the modes have it. */
void api_retry_after(const struct modes *modes, struct answer *a);
