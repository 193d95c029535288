/* SPDX-License-Identifier: MIT */
#include "mount.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka.h"

#include "render/render.h"

enum {
	MONO_MS = 1000 * 1000,
	CONNECTIONS = 8,
	FLAGS = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA |
		FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO |
		FUSE_NO_OPEN_SUPPORT | FUSE_HAS_IOCTL_DIR | FUSE_PARALLEL_DIROPS |
		FUSE_MAX_PAGES,
};

static int64_t mono_ms(void *ctx)
{
	return ((struct mount *)ctx)->mono_ms;
}

static int64_t wall_ms(void *ctx)
{
	return ((struct mount *)ctx)->wall_ms;
}

static void on_ready(void *ctx)
{
	((struct mount *)ctx)->ready++;
}

static void on_end(void *ctx, int error)
{
	struct mount *mount = ctx;

	mount->ended++;
	mount->end_error = error;
}

static void on_turn_ended(void *ctx)
{
	sync_commit(((struct mount *)ctx)->sync);
}

static void turn(void *ctx)
{
	mount_turn(ctx);
}

static void open_below(struct mount *mount, const struct mount_options *options)
{
	const struct catalog_config catalog = {.path = options->path,
		.texts_max = options->texts_max ? options->texts_max : UINT32_MAX};
	const struct sync_config sync = {
		.ttl_ms = MOUNT_TTL_MS,
		.connections = CONNECTIONS,
		.page_size = options->page_size,
	};

	log_init(&mount->log, "test", false, false);
	assert_int_equal(loop_new(&mount->clock, &mount->loop), 0);
	assert_int_equal(
		catalog_open(&catalog, &mount->clock, &mount->log, &mount->catalog), 0);
	mount->api = fake_new(&mount->clock);
	assert_int_equal(sync_new(mount->loop, &mount->log, mount->catalog, mount->api,
				 &sync, &mount->sync),
		0);
	loop_set_hook(mount->loop, on_turn_ended, mount);
}

static void open_fs(struct mount *mount, const struct mount_options *options)
{
	static const struct fs_handlers handlers = {on_ready, on_end};
	const struct kernel_server server = {turn, mount};
	const struct fs_config config = {
		.source = "https://api.gladia.io",
		.mount_flags = "",
		.text = "ttl=60\n",
		.uid = MOUNT_UID,
		.gid = MOUNT_GID,
		.umask = options->umask,
		.formats = options->formats ? options->formats : 1u << FORMAT_JSON,
		.allow_delete = options->allow_delete,
		.xattr = options->xattr,
		.ttl_ms = MOUNT_TTL_MS,
		.timeout_ms = MOUNT_TIMEOUT_MS,
	};
	static const int room = 64 << 20;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	/*
	 * /dev/fuse is never full. The notifier's thread may write many texts before the
	 * fake kernel reads. Needs root; others get the usual size.
	 */
	(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	mount->kernel = kernel_new(ends[0], &server);
	assert_int_equal(fs_new(mount->loop, &mount->log, mount->catalog, mount->sync,
				 &config, &handlers, mount, &mount->fs),
		0);
	assert_int_equal(fs_serve(mount->fs, ends[1]), 0);
}

struct mount *mount_new_with(const struct mount_options *options)
{
	struct mount *mount = test_calloc(1, sizeof(*mount));
	struct fuse_init_out init;

	signal(SIGPIPE, SIG_IGN);
	mount->mono_ms = MONO_MS;
	mount->wall_ms = MOUNT_WALL_MS;
	mount->clock = (struct clock){mono_ms, wall_ms, mount};
	open_below(mount, options);
	open_fs(mount, options);
	if (!options->unanswered)
		assert_int_equal(kernel_init(mount->kernel,
					 options->minor ? options->minor : MOUNT_MINOR,
					 FLAGS, &init),
			0);
	return mount;
}

struct mount *mount_new(void)
{
	static const struct mount_options none;

	return mount_new_with(&none);
}

void mount_end(struct mount *mount)
{
	fs_free(mount->fs);
	mount->fs = NULL;
}

void mount_free(struct mount *mount)
{
	mount_end(mount);
	assert_int_equal(kernel_answers_left(mount->kernel), 0);
	kernel_free(mount->kernel);
	sync_free(mount->sync);
	catalog_close(mount->catalog);
	api_free(mount->api);
	loop_free(mount->loop);
	test_free(mount);
}

void mount_turn(struct mount *mount)
{
	assert_int_equal(loop_turn(mount->loop, 0), 0);
	if (!mount->stalled)
		fake_settle(mount->api);
}

void mount_forward(struct mount *mount, int64_t ms)
{
	enum { TURNS = 4 };

	mount->mono_ms += ms;
	mount->wall_ms += ms;
	for (int i = 0; i < TURNS; i++)
		mount_turn(mount);
}

struct job_name job_id(unsigned number)
{
	struct job_name id;

	snprintf(id.text, sizeof(id.text), "%08x-20b7-4af7-b3b3-f5fb778203ab", number);
	return id;
}

struct job_name job_file(unsigned number)
{
	struct job_name file = job_id(number);

	strcat(file.text, ".json");
	return file;
}

void mount_add_jobs(struct mount *mount, unsigned first, unsigned last)
{
	for (unsigned number = first; number <= last; number++)
		fake_add(mount->api, job_id(number).text, JOB_DONE,
			MOUNT_WALL_MS - number * INT64_C(1000));
}

struct job_text mount_text(struct mount *mount, unsigned number)
{
	const struct fake_job *job = fake_find(mount->api, job_id(number).text);
	struct job_text text;

	assert_non_null(job);
	text.len = (size_t)snprintf(text.text, sizeof(text.text),
		"{\n  \"id\": \"%s\",\n  \"edition\": %u\n}\n", job->job.id,
		job->edition);
	return text;
}

void mount_assert_names(struct mount *mount, const struct kernel_dir *dir,
	uint64_t offset, uint32_t size, unsigned first, unsigned last)
{
	char expected[KERNEL_NAMES_MAX] = "";
	char names[KERNEL_NAMES_MAX];

	for (unsigned number = first; number <= last; number++)
		strcat(strcat(expected, job_file(number).text), " ");
	kernel_names(mount->kernel, dir, offset, size, names);
	assert_string_equal(names, expected);
}
