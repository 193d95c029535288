/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "config/options.h"

enum verdict {
	VERDICT_OK,
	VERDICT_WRONG,
	VERDICT_UNKNOWN, /* cannot be told, as something else is wrong */
};

/* What the checks tell one another. */
struct selfcheck {
	const struct options *options;
	struct log log;
	char *key;           /* NULL: there is none */
	bool reached;        /* the API has answered */
	char tls_error[256]; /* why it is not trusted, or "" */
	int64_t server_ms;   /* the time it says it is; -1: none */
	int64_t heard_ms;    /* the wall time when it did */
};

/* Each gives an enum verdict, and one sentence about it in `say` (why_set()). */
typedef int check_fn(struct selfcheck *check, struct buf *say);

/* What is asked of the API, in this order. */
check_fn selfcheck_network;
check_fn selfcheck_tls;
check_fn selfcheck_clock;
check_fn selfcheck_key;
