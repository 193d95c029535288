/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka.h"

#include "base/array.h"
#include "fs/internal.h"
#include "fs/request.h"
#include "fuzz.h"
#include "kernel_message.h"
#include "mount.h"

/*
 * The whole filesystem, between a kernel that sends anything and an account in memory
 * (tests/session). The input begins with a byte of enum setting. Then follow the steps: a
 * byte that selects one of steps[], and the bytes that it reads. Afterwards, the next
 * request is still answered, none waits longer than the time-out, and nothing has leaked.
 *
 * The kernel is trusted: its messages are whole (kernel_message.h), its handles of open
 * directories are ours, and it closes none that is being read.
 */
enum setting {
	SETTING_UNANSWERED = 1, /* the input itself has to send INIT */
	SETTING_EPOCHS = 2,     /* the kernel supports epochs */
	SETTING_PAGES_OF_ONE = 4,
	SETTING_SUMMARIES = 8,
	SETTING_STALLED = 16,
	SETTING_FORMATS = 32, /* all formats are listed */
	SETTING_ALLOW_DELETE = 64,
	SETTING_XATTR = 128,
};

enum {
	INPUT_MAX = 4096,
	DIRS_MAX = 4,
	JOBS_MAX = 40,
	BODY_MAX = 256,
	LEARNED_MAX = 4,
	STEPS_A_TURN = 4,
	PENDING_MAX = FAKE_PENDING_MAX / 2,
	/* The socket holds some hundred messages; the real device has no such limit. */
	PARKED_MAX = 64,
	REFRESHES_MAX = 8,
};

struct fuzzed {
	struct mount *mount;
	const uint8_t *at;
	const uint8_t *end;
	bool gone;      /* the session has ended and reads no more requests */
	bool destroyed; /* FUSE_DESTROY was sent; libfuse since 3.17 then answers EIO */
	bool unmounted; /* the kernel has closed its socket */
	struct kernel_dir dirs[DIRS_MAX];
	bool is_open[DIRS_MAX];
	uint64_t reading[DIRS_MAX];    /* requests READDIR that are not answered yet */
	uint64_t learned[LEARNED_MAX]; /* nodes of job files */
	unsigned refreshes;
	unsigned interrupts; /* interrupts that libfuse may keep */
	uint64_t last;       /* number of the last request */
};

/* Returns the next byte of the input, or 0 beyond its end. */
static uint8_t take(struct fuzzed *fuzzed)
{
	return fuzzed->at < fuzzed->end ? *fuzzed->at++ : 0;
}

static uint64_t take_number(struct fuzzed *fuzzed, unsigned bytes)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t)take(fuzzed) << 8 * i;
	return number;
}

/* Takes a length byte, and as many bytes as it says and the input has. */
static size_t take_body(struct fuzzed *fuzzed, uint8_t body[static BODY_MAX])
{
	size_t len = take(fuzzed);

	if (len > (size_t)(fuzzed->end - fuzzed->at))
		len = (size_t)(fuzzed->end - fuzzed->at);
	memcpy(body, fuzzed->at, len);
	fuzzed->at += len;
	return len;
}

static uint64_t dir_node(const char *path)
{
	uint64_t node = FUSE_ROOT_ID;
	char copy[FILENAME_BYTES_MAX];
	char *rest = strcpy(copy, path);

	for (char *name; (name = strsep(&rest, "/"));)
		node = directories_child_ino(node, name);
	return node;
}

/* Returns a node that can exist, or any number. */
static uint64_t take_node(struct fuzzed *fuzzed)
{
	static const char *const paths[] = {"all", "status", "status/done", "date",
		"date/2026-04-01", "metadata", "metadata/customer",
		"metadata/customer/acme", "all/status/error"};
	enum { PATHS = ARRAY_SIZE(paths), JOBS = 8 };
	unsigned which = take(fuzzed);

	if (which == 0)
		return FUSE_ROOT_ID;
	which -= 1;
	if (which < PATHS)
		return dir_node(paths[which]);
	which -= PATHS;
	if (which < JOBS * FORMATS)
		return rendition_number(job_ino(job_id(which / FORMATS).text),
			(struct variant){.format = (enum format)(which % FORMATS)});
	which -= JOBS * FORMATS;
	if (which < LEARNED_MAX)
		return fuzzed->learned[which];
	return take_number(fuzzed, sizeof(uint64_t));
}

static bool takes_a_handle(uint32_t opcode)
{
	return opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS ||
	       opcode == FUSE_RELEASEDIR;
}

/*
 * libfuse keeps an INTERRUPT that matches no request, and frees one with each later
 * request. The last ones would be lost with the session, and look like a leak.
 */
static void drain_interrupts(struct fuzzed *fuzzed)
{
	struct mount *mount = fuzzed->mount;

	for (; fuzzed->interrupts && !mount->ended; fuzzed->interrupts--) {
		kernel_ask(mount->kernel, FUSE_STATFS, FUSE_ROOT_ID, NULL, 0, NULL);
		mount_turn(mount);
		(void)kernel_has_notice(mount->kernel);
	}
}

static void ask(struct fuzzed *fuzzed, uint32_t opcode, uint64_t node, const void *body,
	size_t len)
{
	if (kernel_message_is_whole(opcode, body, len))
		fuzzed->last = kernel_ask(fuzzed->mount->kernel, (enum fuse_opcode)opcode,
			node, body, len, NULL);
}

static void step_lookup(struct fuzzed *fuzzed)
{
	uint64_t node = take_node(fuzzed);
	uint8_t name[BODY_MAX];
	size_t len = take_body(fuzzed, name);

	name[len] = '\0';
	ask(fuzzed, FUSE_LOOKUP, node, name, len + 1);
}

static void step_lookup_job(struct fuzzed *fuzzed)
{
	uint64_t node = take_node(fuzzed);
	uint8_t which = take(fuzzed);
	struct job_name name = job_id(which / FORMATS % JOBS_MAX);

	strcat(name.text, format_suffix((enum format)(which % FORMATS)));
	ask(fuzzed, FUSE_LOOKUP, node, name.text, strlen(name.text) + 1);
}

/* Stores the node of a name, if its lookup is answered at once. */
static void learn(struct fuzzed *fuzzed, void (*look_up)(struct fuzzed *fuzzed))
{
	struct kernel *kernel = fuzzed->mount->kernel;
	struct fuse_entry_out entry = {0};
	uint64_t *learned = &fuzzed->learned[take(fuzzed) % LEARNED_MAX];

	look_up(fuzzed);
	if (kernel_is_answered(kernel, fuzzed->last) &&
		!kernel_answer(kernel, fuzzed->last, &entry, sizeof(entry)))
		*learned = entry.nodeid;
}

static void step_learn(struct fuzzed *fuzzed)
{
	learn(fuzzed, step_lookup_job);
}

static void step_learn_name(struct fuzzed *fuzzed)
{
	learn(fuzzed, step_lookup);
}

static void step_unlink_job(struct fuzzed *fuzzed)
{
	uint64_t node = take_node(fuzzed);
	struct job_name name = job_file(take(fuzzed) % JOBS_MAX);

	ask(fuzzed, FUSE_UNLINK, node, name.text, strlen(name.text) + 1);
}

/* Sends a name far longer than a kernel allows. */
static void step_long_name(struct fuzzed *fuzzed)
{
	enum { LONG_MAX_HERE = 5000 };
	uint32_t opcode = take(fuzzed);
	uint64_t node = take_node(fuzzed);
	size_t len = take_number(fuzzed, 2) % LONG_MAX_HERE;
	char body[LONG_MAX_HERE];

	memset(body, 'a', sizeof(body));
	body[len] = '\0';
	if (!takes_a_handle(opcode) && opcode != FUSE_INTERRUPT)
		ask(fuzzed, opcode, node, body, len + 1);
}

static void step_getattr(struct fuzzed *fuzzed)
{
	const struct fuse_getattr_in arg = {0};

	ask(fuzzed, FUSE_GETATTR, take_node(fuzzed), &arg, sizeof(arg));
}

static void step_read(struct fuzzed *fuzzed)
{
	uint64_t node = take_node(fuzzed);
	unsigned bytes = take(fuzzed) % 9;
	const struct fuse_read_in arg = {.offset = take_number(fuzzed, bytes),
		.size = (uint32_t)take_number(fuzzed, 2)};

	ask(fuzzed, FUSE_READ, node, &arg, sizeof(arg));
}

static void step_forget(struct fuzzed *fuzzed)
{
	uint64_t node = take_node(fuzzed);
	unsigned bytes = take(fuzzed) % 9;
	const struct fuse_forget_in arg = {take_number(fuzzed, bytes)};

	kernel_ask(fuzzed->mount->kernel, FUSE_FORGET, node, &arg, sizeof(arg), NULL);
}

static void step_interrupt(struct fuzzed *fuzzed)
{
	kernel_interrupt(fuzzed->mount->kernel, fuzzed->last - 2 * take(fuzzed));
	fuzzed->interrupts++;
}

static void step_statfs(struct fuzzed *fuzzed)
{
	ask(fuzzed, FUSE_STATFS, take_node(fuzzed), NULL, 0);
}

/* Sends any operation, with any bytes after its header. */
static void step_any(struct fuzzed *fuzzed)
{
	uint32_t opcode = take(fuzzed);
	uint64_t node = take_node(fuzzed);
	uint8_t body[BODY_MAX];
	size_t len = take_body(fuzzed, body);

	fuzzed->interrupts += opcode == FUSE_INTERRUPT;
	fuzzed->destroyed |= opcode == FUSE_DESTROY;
	if (!takes_a_handle(opcode))
		ask(fuzzed, opcode, node, body, len);
}

/* Sends any bytes, including the header. */
static void step_raw(struct fuzzed *fuzzed)
{
	struct fuse_in_header header = {0};
	uint8_t body[BODY_MAX];
	size_t len = take_body(fuzzed, body);

	memcpy(&header, body, len < sizeof(header) ? len : sizeof(header));
	if (!len || (len >= sizeof(header) && takes_a_handle(header.opcode)))
		return;
	fuzzed->gone = len < sizeof(header);
	if (!fuzzed->gone) {
		/* The number must differ from that of every other request. */
		header.unique |= UINT64_C(1) << 62;
		header.len = (uint32_t)len;
		memcpy(body, &header, sizeof(header));
		if (!kernel_message_is_whole(
			    header.opcode, body + sizeof(header), len - sizeof(header)))
			return;
	}
	if (fuzzed->gone)
		drain_interrupts(fuzzed);
	fuzzed->interrupts += header.opcode == FUSE_INTERRUPT;
	fuzzed->destroyed |= header.opcode == FUSE_DESTROY;
	kernel_send_raw(fuzzed->mount->kernel, body, len);
}

static void settle(struct fuzzed *fuzzed)
{
	struct mount *mount = fuzzed->mount;
	bool stalled = mount->stalled;

	mount->stalled = false;
	mount_turn(mount);
	mount->stalled = stalled;
}

static void step_opendir(struct fuzzed *fuzzed)
{
	unsigned slot = take(fuzzed) % DIRS_MAX;
	struct kernel_dir *dir = &fuzzed->dirs[slot];
	uint64_t node = take_node(fuzzed);

	if (fuzzed->is_open[slot])
		return;
	fuzzed->is_open[slot] = !kernel_opendir(fuzzed->mount->kernel, node, dir);
	dir->bare = slot == 0;
}

/* Returns false if the directory is still being read. */
static bool end_reading(struct fuzzed *fuzzed, unsigned slot)
{
	struct kernel_entries entries;
	struct kernel *kernel = fuzzed->mount->kernel;

	if (!fuzzed->reading[slot])
		return true;
	if (!kernel_is_answered(kernel, fuzzed->reading[slot]))
		return false;
	(void)kernel_answer_readdir(
		kernel, &fuzzed->dirs[slot], fuzzed->reading[slot], &entries);
	fuzzed->reading[slot] = 0;
	return true;
}

static void step_readdir(struct fuzzed *fuzzed)
{
	unsigned slot = take(fuzzed) % DIRS_MAX;
	unsigned bytes = take(fuzzed) % 9;
	uint64_t offset = take_number(fuzzed, bytes);
	uint32_t size = (uint32_t)take_number(fuzzed, 2);

	if (fuzzed->is_open[slot] && end_reading(fuzzed, slot))
		fuzzed->reading[slot] = kernel_ask_readdir(
			fuzzed->mount->kernel, &fuzzed->dirs[slot], offset, size);
	fuzzed->last = fuzzed->reading[slot];
}

static void step_releasedir(struct fuzzed *fuzzed)
{
	unsigned slot = take(fuzzed) % DIRS_MAX;

	if (!fuzzed->is_open[slot] || !end_reading(fuzzed, slot))
		return;
	kernel_releasedir(fuzzed->mount->kernel, &fuzzed->dirs[slot]);
	fuzzed->is_open[slot] = false;
}

static void step_forward(struct fuzzed *fuzzed)
{
	mount_forward(fuzzed->mount, (int64_t)take_number(fuzzed, 2));
}

static void step_stall(struct fuzzed *fuzzed)
{
	fuzzed->mount->stalled = !fuzzed->mount->stalled;
}

/* Adds, changes or removes a job of the account. */
static void step_change(struct fuzzed *fuzzed)
{
	struct api *api = fuzzed->mount->api;
	unsigned number = take(fuzzed) % JOBS_MAX;
	unsigned how = take(fuzzed);
	struct job_name id = job_id(number);
	struct fake_job *job = fake_find(api, id.text);

	if (job && how % 4 == 0) {
		fake_remove(api, id.text);
		return;
	}
	if (!job)
		job = fake_add(api, id.text, (enum job_status)(how / 4 % 5),
			MOUNT_WALL_MS - number * (how & 128 ? MOUNT_TTL_MS * 60 : 1000));
	job->edition++;
	job->transcript = how & 64 ? "Hello." : NULL;
	job->metadata = how & 32 ? "\ncustomer=acme\ntags=new\n" : NULL;
}

static void step_fail(struct fuzzed *fuzzed)
{
	static const int errors[] = {-EACCES, -ENOENT, -EINVAL, -EBUSY, -ETIMEDOUT,
		-EHOSTUNREACH, -ENOMEM, -EIO};
	unsigned which = take(fuzzed);
	struct api *api = fuzzed->mount->api;

	if (api->pending_len)
		fake_fail(fake_call(api, which / 8 % api->pending_len), errors[which % 8],
			"it was to fail");
}

static void step_refresh(struct fuzzed *fuzzed)
{
	if (fuzzed->refreshes++ < REFRESHES_MAX)
		fs_refresh(fuzzed->mount->fs);
}

static void step_unmount(struct fuzzed *fuzzed)
{
	drain_interrupts(fuzzed);
	kernel_drop_answers(fuzzed->mount->kernel);
	kernel_unmount(fuzzed->mount->kernel);
	fuzzed->gone = true;
	fuzzed->unmounted = true;
}

static void (*const steps[])(struct fuzzed *fuzzed) = {step_lookup, step_lookup_job,
	step_learn, step_getattr, step_read, step_forget, step_interrupt, step_statfs,
	step_any, step_raw, step_opendir, step_readdir, step_releasedir, step_forward,
	step_stall, step_change, step_fail, step_refresh, step_unmount, settle,
	step_learn_name, step_unlink_job, step_long_name};

/* Takes all messages that have arrived, and limits the number of waiting requests. */
static void keep_small(struct fuzzed *fuzzed)
{
	struct mount *mount = fuzzed->mount;
	unsigned parked = 0;

	list_for_each (link, &mount->fs->parked)
		parked++;
	if (parked > PARKED_MAX)
		mount_forward(mount, MOUNT_TIMEOUT_MS);
	if (mount->api->pending_len > PENDING_MAX)
		fake_settle(mount->api);
	if (!fuzzed->unmounted)
		(void)kernel_has_notice(mount->kernel);
}

static void run_steps(struct fuzzed *fuzzed)
{
	enum { STEPS = ARRAY_SIZE(steps) };
	struct mount *mount = fuzzed->mount;

	for (unsigned i = 1; fuzzed->at < fuzzed->end && !fuzzed->gone; i++) {
		steps[take(fuzzed) % STEPS](fuzzed);
		if (i % STEPS_A_TURN && !fuzzed->gone)
			continue;
		mount_turn(mount);
		keep_small(fuzzed);
		fuzzed->gone = fuzzed->gone || mount->ended;
	}
}

static void check_end(struct fuzzed *fuzzed, bool was_met)
{
	struct mount *mount = fuzzed->mount;
	struct fuse_kstatfs statfs;

	mount->stalled = false;
	mount_forward(mount, MOUNT_TIMEOUT_MS);
	if (fuzzed->gone)
		return;
	drain_interrupts(fuzzed);
	HOLDS(list_empty(&mount->fs->parked));
	for (unsigned slot = 0; slot < DIRS_MAX; slot++)
		HOLDS(end_reading(fuzzed, slot));
	if (was_met && !fuzzed->destroyed)
		HOLDS(!kernel_statfs(mount->kernel, &statfs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzzed fuzzed = {.at = data, .end = data + size};
	unsigned setting = take(&fuzzed);
	const struct mount_options options = {
		.page_size = setting & SETTING_PAGES_OF_ONE ? 1 : 0,
		.formats = setting & SETTING_FORMATS ? (1u << FORMATS) - 1 : 1,
		.allow_delete = setting & SETTING_ALLOW_DELETE,
		.xattr = setting & SETTING_XATTR,
		.minor = setting & SETTING_EPOCHS ? KERNEL_MINOR_OF_EPOCHS : 0,
		.unanswered = setting & SETTING_UNANSWERED,
	};

	if (size > INPUT_MAX)
		return 0;
	/* Outside of a test, a failed assertion of cmocka must abort. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	fuzzed.mount = mount_new_with(&options);
	mount_add_jobs(fuzzed.mount, 1, 3);
	fuzzed.mount->stalled = setting & SETTING_STALLED;
	fuzzed.mount->api->rules.summaries = setting & SETTING_SUMMARIES;
	run_steps(&fuzzed);
	check_end(&fuzzed, !options.unanswered);
	mount_end(fuzzed.mount);
	if (!fuzzed.unmounted)
		kernel_drop_answers(fuzzed.mount->kernel);
	mount_free(fuzzed.mount);
	return 0;
}
