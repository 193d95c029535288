/* SPDX-License-Identifier: MIT */
#include "commands/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/errmsg.h"
#include "base/log.h"
#include "check_mount.h"
#include "config/api_key.h"
#include "config/cache_path.h"
#include "gladia/verify_key.h"
#include "http/http.h"
#include "process/exit_code.h"

enum {
	FREE_MIN_MIB = 64, /* listing an account once can fill less than this */
	LINE_MAX_BYTES = 4096,
	/* Certificates and API tokens still work if our clock is wrong by this much. */
	SKEW_MAX_S = 300,
};

static const char fuse_conf[] = "/etc/fuse.conf";
static const char updatedb_conf[] = "/etc/updatedb.conf";

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
	int64_t received_ms; /* our wall time when that arrived */
};

/* A request without the key, which finds out whether the API can be reached. */
struct probe {
	struct loop *loop;
	struct check *check;
	struct buf *text;
	int verdict;
};

static void check_on_done(void *ctx, const struct http_result *result)
{
	struct probe *probe = ctx;
	struct check *check = probe->check;
	const char *origin = check->options->origin;

	loop_stop(probe->loop);
	check->reached = result->failure == HTTP_OK;
	check->server_ms = result->server_ms;
	check->received_ms = clock_wall_ms(&clock_system);
	if (result->tls_failed)
		(void)snprintf(check->tls_error, sizeof(check->tls_error), "%s",
			*result->detail ? result->detail : "no reason given");
	if (check->reached || result->tls_failed)
		probe->verdict = errmsg_set(
			probe->text, VERDICT_OK, "%s can be reached", origin);
	else if (result->proxy_status == 407)
		probe->verdict = errmsg_set(probe->text, VERDICT_WRONG,
			"%s cannot be reached, because the proxy requires a user name "
			"and a password (407): put them into https_proxy "
			"(http://USER:PASSWORD@HOST:PORT)",
			origin);
	else
		probe->verdict = errmsg_set(probe->text, VERDICT_WRONG,
			"%s cannot be reached (%s): check the network, DNS and the "
			"proxy (https_proxy, or -o proxy=)",
			origin, *result->detail ? result->detail : "no answer");
}

DEFINE_CLEANUP(check_loop_cleanup, struct loop *, loop_free)
DEFINE_CLEANUP(check_http_cleanup, struct http *, http_free)

/* Sends the request of the probe. Returns 0 or a negative errno. */
static int check_start(struct probe *probe, struct http **ret_http)
{
	static const struct http_handlers handlers = {.on_done = check_on_done};
	const struct options *options = probe->check->options;
	const struct http_config config = {
		.user_agent = "gladiafs/" GLADIAFS_VERSION,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections_max = 1,
		.connect_ms = MIN(options->timeout_ms, VERIFY_KEY_MAX_MS),
		.stall_ms = MIN(options->timeout_ms, VERIFY_KEY_MAX_MS),
		.error_body_max = ERRMSG_MAX,
	};
	CLEANUP_FREE char *url = NULL;
	struct http_request *request;
	int err = http_new(probe->loop, &config, ret_http);

	if (err)
		return err;
	if (asprintf(&url, "%s%s?limit=1", options->origin,
		    api_list_path(options->live)) < 0) {
		url = NULL;
		return -ENOMEM;
	}
	return http_start(*ret_http, "GET", url, &handlers, probe, &request);
}

/* Sends a request without the key, to see whether the API can be reached. */
static int check_network(struct check *check, struct buf *text)
{
	CLEANUP(check_loop_cleanup) struct loop *loop = NULL;
	CLEANUP(check_http_cleanup) struct http *http = NULL;
	struct probe probe = {.check = check, .text = text, .verdict = VERDICT_WRONG};
	int err = loop_new(&clock_system, &loop);

	probe.loop = loop;
	if (!err)
		err = check_start(&probe, &http);
	if (err == -EINVAL && check->options->ca_file)
		return errmsg_set(text, VERDICT_UNKNOWN,
			"not contacted, because ca_file= cannot be used");
	if (!err)
		err = loop_run(loop);
	if (err)
		return errmsg_set(text, VERDICT_WRONG,
			"cannot send requests to the API: %s", strerror(-err));
	return probe.verdict;
}

/* Checks that the API's certificate is trusted. */
static int check_tls(struct check *check, struct buf *text)
{
	const char *ca_file = check->options->ca_file;

	if (strncmp(check->options->origin, "http:", strlen("http:")) == 0)
		return errmsg_set(text, VERDICT_OK, "is not used on loopback");
	if (ca_file && access(ca_file, R_OK) < 0)
		return errmsg_set(text, VERDICT_WRONG, "ca_file=%s cannot be read: %s",
			ca_file, strerror(errno));
	if (*check->tls_error)
		return errmsg_set(text, VERDICT_WRONG,
			"%s is not trusted (%s): set the clock, update ca-certificates, "
			"or give the certificates of an intercepting proxy with -o "
			"ca_file=PATH",
			check->options->origin, check->tls_error);
	if (!check->reached)
		return errmsg_set(text, VERDICT_UNKNOWN,
			ca_file ? "no answer; ca_file= must contain certificates (PEM)"
				: "no answer");
	return errmsg_set(text, VERDICT_OK, "the certificate is trusted");
}

/* Compares our clock with the API's. */
static int check_clock(struct check *check, struct buf *text)
{
	int64_t skew_s = (check->received_ms - check->server_ms) / 1000;

	if (check->server_ms < 0)
		return errmsg_set(text, check->reached ? VERDICT_OK : VERDICT_UNKNOWN,
			check->reached ? "the API sent no valid Date header"
				       : "no answer to compare it with");
	if (skew_s < -SKEW_MAX_S || skew_s > SKEW_MAX_S)
		return errmsg_set(text, VERDICT_WRONG,
			"is %jd s %s the API's: timedatectl set-ntp true",
			(intmax_t)(skew_s < 0 ? -skew_s : skew_s),
			skew_s < 0 ? "behind" : "ahead of");
	return errmsg_set(text, VERDICT_OK, "agrees with the API's");
}

/* Sends a request with the key; `place` says in messages where the key was found. */
static int check_ask(struct check *check, const char *place, struct buf *text)
{
	const struct options *options = check->options;
	CLEANUP(check_loop_cleanup) struct loop *loop = NULL;
	const struct api_config config = {
		.origin = options->origin,
		.live = options->live,
		.key = check->key,
		.key_place = place,
		.ca_file = options->ca_file,
		.proxy = options->proxy,
		.connections = 1,
		.timeout_ms = options->timeout_ms,
	};
	int err = loop_new(&clock_system, &loop);

	if (err)
		return errmsg_set(text, VERDICT_WRONG,
			"cannot send requests to the API: %s", strerror(-err));
	if (verify_key(loop, &check->log, &config, false, NULL, text))
		return VERDICT_WRONG;
	return errmsg_set(text, VERDICT_OK, "is %s; the API accepts it", place);
}

/* Finds the API key and sends a request with it. */
static int check_key(struct check *check, struct buf *text)
{
	CLEANUP(key_source_done) struct key_source source = {0};
	CLEANUP(buf_done) struct buf place;

	buf_init(&place, KEY_PLACE_MAX);
	if (api_key_find(check->options->key_file, &check->key, &source, text))
		return VERDICT_WRONG;
	if (key_source_print(&source, &place))
		return errmsg_set(text, VERDICT_WRONG,
			"was found (out of memory: its place is not shown)");
	if (!check->reached)
		return errmsg_set(text, VERDICT_UNKNOWN,
			"is %s; not verified, because the API did not answer",
			place.data);
	return check_ask(check, place.data, text);
}

static int check_device(struct check *check, struct buf *text)
{
	CLEANUP_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)check;
	if (fd >= 0)
		return errmsg_set(text, VERDICT_OK, "can be opened");
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return errmsg_set(text, VERDICT_WRONG,
			"does not exist: modprobe fuse (start a container with --device "
			"/dev/fuse --cap-add SYS_ADMIN)");
	return errmsg_set(text, VERDICT_WRONG,
		"cannot be opened (%s): chmod 666 /dev/fuse", strerror(errno));
}

/*
 * Finds the program in $PATH that execvp(3) would run. Returns false if there is none.
 * The caller frees `ret_path`.
 */
static bool check_find_program(const char *name, char **ret_path, struct stat *ret_status)
{
	const char *variable = getenv("PATH");
	CLEANUP_FREE char *path = strdup(variable ? variable : "/usr/bin:/bin");
	char *rest = path;
	const char *directory;

	while (path && (directory = strsep(&rest, ":"))) {
		char *found;

		if (asprintf(&found, "%s/%s", directory, name) < 0)
			return false;
		if (access(found, X_OK) == 0 && stat(found, ret_status) == 0) {
			*ret_path = found;
			return true;
		}
		free(found);
	}
	return false;
}

/* Checks fusermount3. Root needs it to unmount only, other users also to mount. */
static int check_helper(struct check *check, struct buf *text)
{
	CLEANUP_FREE char *path = NULL;
	struct stat status;

	(void)check;
	if (!check_find_program("fusermount3", &path, &status))
		return errmsg_set(text, VERDICT_WRONG,
			"is not installed: apt install fuse3 (or your distribution's "
			"package)");
	if (geteuid() != 0 && (!(status.st_mode & S_ISUID) || status.st_uid != 0))
		return errmsg_set(text, VERDICT_WRONG,
			"%s is not setuid root, so you cannot mount: chown root %s && "
			"chmod u+s %s",
			path, path, path);
	return errmsg_set(text, VERDICT_OK, "is %s", path);
}

/*
 * True if a line of the file begins with the word `first` and contains the word `more`,
 * unless that is NULL, in upper or lower case. A comment begins with "#".
 */
static bool check_has_line(FILE *file, const char *first, const char *more)
{
	static const char between[] = " \t\r\n\"=";
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0) {
		char *rest;

		line[strcspn(line, "#")] = '\0';

		const char *word = strtok_r(line, between, &rest);

		if (!word || strcmp(word, first) != 0)
			continue;
		while (more && word && strcasecmp(word, more) != 0)
			word = strtok_r(NULL, between, &rest);
		if (word)
			return true;
	}
	return false;
}

static int check_fuse_conf(struct check *check, struct buf *text)
{
	CLEANUP_FILE FILE *file = fopen(fuse_conf, "re");
	bool others = file && check_has_line(file, "user_allow_other", NULL);

	if (!file && errno != ENOENT)
		return errmsg_set(text, VERDICT_WRONG,
			"%s cannot be read (%s): chmod 644 %s", fuse_conf,
			strerror(errno), fuse_conf);
	if (others || geteuid() == 0)
		return errmsg_set(text, VERDICT_OK, "lets you use -o allow_other");
	if (!check->options->allow_other)
		return errmsg_set(text, VERDICT_OK,
			"lets you mount (not with -o allow_other: that needs the line "
			"user_allow_other in %s)",
			fuse_conf);
	return errmsg_set(text, VERDICT_WRONG,
		"does not let you use -o allow_other: add the line user_allow_other to "
		"%s",
		fuse_conf);
}

/*
 * Checks that the directory of the cache file `path` can be written and has enough free
 * space. `where` explains in messages why that directory is used.
 */
static int check_space(const char *path, const char *where, struct buf *text)
{
	CLEANUP_FREE char *directory = strdup(path);
	struct statvfs space;

	if (!directory)
		return errmsg_set(
			text, VERDICT_WRONG, "cannot be checked: out of memory");
	*strrchr(directory, '/') = '\0';
	if (access(directory, W_OK) < 0 || statvfs(directory, &space) < 0)
		return errmsg_set(text, VERDICT_WRONG,
			"%s cannot be written (%s): choose another with -o "
			"cache_dir=PATH, or use -o cache=off",
			directory, strerror(errno));

	uint64_t mib = ((uint64_t)space.f_bavail * space.f_frsize) >> 20;

	if (mib < FREE_MIN_MIB)
		return errmsg_set(text, VERDICT_WRONG,
			"%s has only %ju MiB left: free some space, or choose another "
			"with -o cache_dir=PATH",
			directory, (uintmax_t)mib);
	return errmsg_set(text, VERDICT_OK, "%s can be written, and has %ju MiB left; %s",
		directory, (uintmax_t)mib, where);
}

static int check_cache(struct check *check, struct buf *text)
{
	const struct options *options = check->options;
	CLEANUP(buf_done) struct buf note;
	CLEANUP_FREE char *path = NULL;
	const char *where = options->cache_dir ? "set with -o cache_dir="
					       : "the default directory";

	buf_init(&note, ERRMSG_MAX);
	if (!options->cache_disk)
		return errmsg_set(text, VERDICT_OK, "is off (-o cache=off)");
	/* Without a key the file name is wrong, but we need only its directory. */
	if (cache_path_find(options->cache_dir, options->origin,
		    check->key ? check->key : "", &path, &note, text))
		return VERDICT_WRONG;
	return check_space(path, note.len ? note.data : where, text);
}

/*
 * True if systemd is running and the drop-in is installed with which we keep plocate's
 * updatedb out of gladiafs mounts. /lib is a link to /usr/lib.
 */
static bool check_has_drop_in(void)
{
	static const char *const places[] = {
		"/lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf",
		"/usr/local/lib/systemd/system/plocate-updatedb.service.d/gladiafs.conf",
	};

	if (access("/run/systemd/system", F_OK) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], F_OK) == 0)
			return true;
	return false;
}

/* Checks that updatedb, which reads every directory at night, skips gladiafs mounts. */
static int check_updatedb(struct check *check, struct buf *text)
{
	CLEANUP_FILE FILE *file = fopen(updatedb_conf, "re");

	(void)check;
	if (!file && errno == ENOENT)
		return errmsg_set(text, VERDICT_OK, "is not installed");
	if (!file)
		return errmsg_set(text, VERDICT_WRONG,
			"has a configuration that cannot be read (%s): chmod 644 %s",
			strerror(errno), updatedb_conf);
	if (check_has_line(file, "PRUNEFS", "fuse.gladiafs") || check_has_drop_in())
		return errmsg_set(text, VERDICT_OK, "skips gladiafs mounts");
	return errmsg_set(text, VERDICT_WRONG,
		"would read all gladiafs mounts every night: sed -i "
		"'s/^PRUNEFS=\"/&fuse.gladiafs /' %s",
		updatedb_conf);
}

static void check_print(int verdict, const char *name, const struct buf *text)
{
	static const char *const words[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_WRONG] = "WRONG",
		[VERDICT_UNKNOWN] = "?",
	};

	printf("%-6s %-12s %s\n", words[verdict], name, text->data);
}

int check_run(struct options *options, struct buf *errmsg)
{
	static const struct {
		const char *name;
		/* Returns an enum verdict and explains it in one sentence. */
		int (*run)(struct check *check, struct buf *text);
	} checks[] = {
		{"network", check_network},
		{"TLS", check_tls},
		{"clock", check_clock},
		{"key", check_key},
		{"/dev/fuse", check_device},
		{"fusermount3", check_helper},
		{"fuse.conf", check_fuse_conf},
		{"cache", check_cache},
		{"updatedb", check_updatedb},
	};
	struct check check = {.options = options, .server_ms = -1};
	CLEANUP(buf_done) struct buf text;
	bool all = true;

	log_init(&check.log, "gladiafs", false, options->debug);
	buf_init(&text, LINE_MAX_BYTES);
	/* Then no result is lost because there is no memory for its text. */
	if (buf_reserve(&text, LINE_MAX_BYTES))
		return errmsg_set(errmsg, EXIT_CODE_SYSTEM, "out of memory");
	if (options->mountpoint) {
		all = check_mount(options, &text);
		check_print(all ? VERDICT_OK : VERDICT_WRONG, "mount", &text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int verdict = checks[i].run(&check, &text);

		check_print(verdict, checks[i].name, &text);
		all = all && verdict == VERDICT_OK;
	}
	api_key_free(check.key);
	return all ? EXIT_CODE_OK : EXIT_CODE_MOUNT;
}
