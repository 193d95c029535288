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
	VERDICT_UNKNOWN, /* not checked, because something else is wrong */
};

/* The state that the checks share; earlier checks fill it in for later ones. */
struct check {
	const struct options *options;
	struct log log;
	char *key;           /* the API key; NULL if none was found */
	bool reached;        /* the API has answered */
	char tls_error[256]; /* why its certificate is not trusted, or "" */
	int64_t server_ms;   /* wall time that the API sent; -1 if it sent none */
	int64_t heard_ms;    /* our wall time when that arrived */
};

/* A check. Returns an enum verdict and explains it in `say`, in one sentence. */
typedef int check_fn(struct check *check, struct buf *say);

/* Checks that need the API. Call them in this order. */

/* Sends a request without the key, to see whether the API can be reached. */
check_fn check_api_network;

/* Checks that the API's certificate is trusted. */
check_fn check_api_tls;

/* Compares our clock with the API's. */
check_fn check_api_clock;

/* Finds the API key and sends a request with it. */
check_fn check_api_key;
