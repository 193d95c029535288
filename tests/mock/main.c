/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mock.h"
#include "sample.h"
#include "serve.h"
#include "timestamp.h"

#define JOBS_MAX 5000000

static const char usage[] =
	"Usage: gladia-mock [option]...\n"
	"Plays the Gladia v2 API on 127.0.0.1, for tests and demonstrations.\n"
	"\n"
	"  --port N             port to listen on (0: the system chooses)\n"
	"  --port-file FILE     write the port there once it serves\n"
	"  --key KEY            the key that is good (mock-key)\n"
	"  --jobs N             make N jobs (0)\n"
	"  --live N             make N live sessions, too (0)\n"
	"  --seed N             from this seed (1)\n"
	"  --bytes N | MIN:MAX  so long, or evenly between\n"
	"  --mixed              2 to 200 kB, mean 20 kB (the default)\n"
	"  --days N             spread over N days (30)\n"
	"  --newest TIME        ending then (2026-04-30T12:00:00.000Z)\n"
	"  --unfinished N       so many of the newest are queued or processing (3)\n"
	"  --errors PERCENT     so many of the finished failed (5)\n"
	"  --lazy               make bodies when they are asked for\n"
	"  --sample             the sample account instead of made jobs\n"
	"  --sample-file FILE   the same, from another file\n"
	"  --latency MS         hold every request so long (mode latency_ms)\n"
	"  --mode NAME=VALUE    set a mode; see README.md\n"
	"  --log FILE           append every request as a line of JSON\n"
	"  --die-with-parent    end when the process that started it ends\n"
	"  --help               this text\n";

struct options {
	struct mock *mock;
	unsigned port;
	const char *port_file, *log, *sample_file;
	bool sample, die_with_parent;
};

enum option_code {
	OPT_PORT = 256,
	OPT_PORT_FILE,
	OPT_KEY,
	OPT_JOBS,
	OPT_LIVE,
	OPT_SEED,
	OPT_BYTES,
	OPT_MIXED,
	OPT_DAYS,
	OPT_NEWEST,
	OPT_UNFINISHED,
	OPT_ERRORS,
	OPT_LAZY,
	OPT_SAMPLE,
	OPT_SAMPLE_FILE,
	OPT_LATENCY,
	OPT_MODE,
	OPT_LOG,
	OPT_DIE,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPT_PORT},
	{"port-file", required_argument, NULL, OPT_PORT_FILE},
	{"key", required_argument, NULL, OPT_KEY},
	{"jobs", required_argument, NULL, OPT_JOBS},
	{"live", required_argument, NULL, OPT_LIVE},
	{"seed", required_argument, NULL, OPT_SEED},
	{"bytes", required_argument, NULL, OPT_BYTES},
	{"mixed", no_argument, NULL, OPT_MIXED},
	{"days", required_argument, NULL, OPT_DAYS},
	{"newest", required_argument, NULL, OPT_NEWEST},
	{"unfinished", required_argument, NULL, OPT_UNFINISHED},
	{"errors", required_argument, NULL, OPT_ERRORS},
	{"lazy", no_argument, NULL, OPT_LAZY},
	{"sample", no_argument, NULL, OPT_SAMPLE},
	{"sample-file", required_argument, NULL, OPT_SAMPLE_FILE},
	{"latency", required_argument, NULL, OPT_LATENCY},
	{"mode", required_argument, NULL, OPT_MODE},
	{"log", required_argument, NULL, OPT_LOG},
	{"die-with-parent", no_argument, NULL, OPT_DIE},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

static int take_number(const char *s, uint64_t max, uint64_t *ret_n)
{
	uint64_t n;

	if (query_number(s, &n) < 0 || n > max)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

static int take_bytes(struct population *p, const char *s)
{
	unsigned min, max;
	char rest;
	int n = sscanf(s, "%9u:%9u%c", &min, &max, &rest);

	if (n == 1 && !strchr(s, ':'))
		max = min;
	else if (n != 2)
		return -EINVAL;
	if (min == 0 || max < min)
		return -EINVAL;
	p->bytes_min = min;
	p->bytes_max = max;
	return 0;
}

static int take_mode(struct modes *m, const char *s)
{
	const char *equals = strchr(s, '=');
	char *name;
	int r;

	if (!equals)
		return -EINVAL;
	name = strndup(s, (size_t)(equals - s));
	r = modes_set(m, name, equals + 1);
	free(name);
	return r;
}

static int take_population(struct population *p, int code, const char *arg)
{
	uint64_t n = 0;
	int r;

	switch (code) {
	case OPT_BYTES:
		return take_bytes(p, arg);
	case OPT_MIXED:
		p->bytes_min = p->bytes_max = 0;
		return 0;
	case OPT_NEWEST:
		return timestamp_parse(arg, &p->newest);
	default:
		break;
	}
	r = take_number(arg, code == OPT_ERRORS ? 100 : JOBS_MAX, &n);
	if (code == OPT_JOBS)
		p->jobs = n;
	else if (code == OPT_SEED)
		p->seed = n;
	else if (code == OPT_DAYS)
		p->days = (unsigned)n;
	else if (code == OPT_UNFINISHED)
		p->unfinished = (unsigned)n;
	else if (code == OPT_ERRORS)
		p->errors = (unsigned)n;
	else
		r = -EINVAL;
	return r;
}

static int take_option(struct options *o, int code, const char *arg)
{
	struct mock *s = o->mock;
	uint64_t n = 0;
	int r = 0;

	switch (code) {
	case OPT_PORT:
		r = take_number(arg, 65535, &n);
		o->port = (unsigned)n;
		return r;
	case OPT_PORT_FILE:
		o->port_file = arg;
		return 0;
	case OPT_KEY:
		return modes_set(&s->modes, "key", arg);
	case OPT_LATENCY:
		return modes_set(&s->modes, "latency_ms", arg);
	case OPT_MODE:
		return take_mode(&s->modes, arg);
	case OPT_LOG:
		o->log = arg;
		return 0;
	case OPT_LIVE:
		r = take_number(arg, JOBS_MAX, &n);
		s->live_jobs = n;
		return r;
	case OPT_LAZY:
		s->account.lazy = s->live.lazy = true;
		return 0;
	case OPT_SAMPLE_FILE:
		o->sample_file = arg;
		/* fallthrough */
	case OPT_SAMPLE:
		o->sample = true;
		return 0;
	case OPT_DIE:
		o->die_with_parent = true;
		return 0;
	default:
		return take_population(&s->population, code, arg);
	}
}

static int parse_options(struct options *o, int argc, char **argv)
{
	int code;

	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (code == OPT_HELP) {
			fputs(usage, stdout);
			exit(0);
		}
		if (code == '?')
			return -EINVAL;
		if (take_option(o, code, optarg) < 0) {
			fprintf(stderr, "gladia-mock: bad value: %s\n", optarg);
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "gladia-mock: what is %s?\n", argv[optind]);
	return -EINVAL;
}

/* Writes the port to a file. The file appears with its whole content. */
static int write_port(const char *path, unsigned port)
{
	struct text temporary = {0};
	FILE *f;
	int r = 0;

	text_printf(&temporary, "%s.new", path);
	f = fopen(temporary.p, "we");
	if (!f || fprintf(f, "%u\n", port) < 0 || fclose(f) != 0 ||
		rename(temporary.p, path) < 0)
		r = -errno;
	text_done(&temporary);
	return r;
}

static int fail(const char *what, int r)
{
	fprintf(stderr, "gladia-mock: %s: %s\n", what, strerror(-r));
	return r;
}

static int fill(struct mock *s, const struct options *o)
{
	const struct spec_defaults defaults = {&s->population, &s->chance};
	struct population live = s->population;

	live.jobs = s->live_jobs;
	live.seed += JOBS_MAX;
	generate_account(&s->live, &live);
	s->initial = s->modes;
	s->chance = stir(s->population.seed) | 1;
	s->faults.chance = stir(s->population.seed + 1);
	if (o->sample)
		return sample_load(&s->account, o->sample_file, &defaults);
	generate_account(&s->account, &s->population);
	return 0;
}

static int serve(struct mock *s, const struct options *o)
{
	int r = server_new(s, (uint16_t)o->port);

	if (r < 0)
		return fail("cannot serve", r);
	if (o->port_file) {
		r = write_port(o->port_file, s->port);
		if (r < 0)
			return fail(o->port_file, r);
	} else {
		printf("http://127.0.0.1:%u\n", s->port);
		fflush(stdout);
	}
	return server_run(s->server);
}

static int run(struct mock *s, const struct options *o)
{
	FILE *log = NULL;
	int r;

	if (o->die_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (o->log) {
		log = fopen(o->log, "ae");
		if (!log)
			return fail(o->log, -errno);
	}
	reqlog_init(&s->log, log);
	r = fill(s, o);
	if (r == 0)
		r = serve(s, o);
	server_free(s->server);
	reqlog_done(&s->log);
	return r;
}

int main(int argc, char **argv)
{
	struct mock s = {
		.population = {.seed = 1, .days = 30, .unfinished = 3, .errors = 5},
	};
	struct options o = {.mock = &s};
	int r;

	modes_init(&s.modes);
	account_init(&s.account, false);
	account_init(&s.live, true);
	timestamp_parse("2026-04-30T12:00:00.000Z", &s.population.newest);
	r = parse_options(&o, argc, argv);
	if (r == 0)
		r = run(&s, &o);
	faults_clear(&s.faults);
	schedules_done(&s.schedules);
	listings_done(&s.listings);
	listings_done(&s.live_listings);
	account_done(&s.account);
	account_done(&s.live);
	return r == -EINVAL ? 2 : r < 0;
}
