/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A library to preload (LD_PRELOAD) into gladiafs. It makes one call of a library
 * function fail that gladiafs itself makes: an allocation, a system call, or a call of
 * SQLite, libcurl, cJSON, zstd, libfuse or libmount. Calls between libraries never fail.
 *
 * A call is identified by its call stack within gladiafs. If FAILING_CALL is not set,
 * the library appends a line to the file FAILING_CALL_LOG for each call stack when it is
 * first seen: its hash, the function's name, and the offsets of the return addresses in
 * the program, all separated by spaces. If FAILING_CALL is such a hash, the first call
 * with this stack fails, and the library appends "failed".
 */
enum {
	FRAMES_MAX = 24, /* recorded by backtrace() */
	OWN_MAX = 6,     /* innermost frames of gladiafs that identify a call */
	SEEN_MAX = 1 << 14,
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *pointer, size_t size);

static struct {
	bool on;
	uintptr_t base;
	uintptr_t begin;
	uintptr_t end;
	const char *log;
	uint64_t wanted; /* 0: record */
	atomic_bool has_failed;
	pthread_mutex_t lock;
	uint64_t seen[SEEN_MAX]; /* hashes, a table with open addressing */
} failing = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int find_program(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	(void)ctx;
	failing.base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD && part->p_flags & PF_X) {
			failing.begin = failing.base + part->p_vaddr;
			failing.end = failing.begin + part->p_memsz;
		}
	}
	return 1; /* the first one is the program */
}

__attribute__((constructor)) static void begin(void)
{
	const char *wanted = getenv("FAILING_CALL");

	failing.log = getenv("FAILING_CALL_LOG");
	if (!failing.log || strcmp(program_invocation_short_name, "gladiafs") != 0)
		return;
	failing.wanted = wanted ? strtoull(wanted, NULL, 16) : 0;
	dl_iterate_phdr(find_program, NULL);
	/* The first call of backtrace() allocates memory. */
	backtrace(&(void *){NULL}, 1);
	failing.on = true;
}

/* Appends to the log with system calls only, whatever the program closed or changed. */
static void note(const char *text)
{
	int error = errno;
	long fd = syscall(SYS_openat, AT_FDCWD, failing.log,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd >= 0) {
		syscall(SYS_write, fd, text, strlen(text));
		syscall(SYS_close, fd);
	}
	errno = error;
}

static bool is_new(uint64_t hash)
{
	bool found = false;
	size_t place = hash % SEEN_MAX;

	pthread_mutex_lock(&failing.lock);
	while (failing.seen[place] && failing.seen[place] != hash)
		place = (place + 1) % SEEN_MAX;
	found = failing.seen[place] == hash;
	failing.seen[place] = hash;
	pthread_mutex_unlock(&failing.lock);
	return !found;
}

static void record(const char *name, uint64_t hash, const uintptr_t *own, int len)
{
	char line[512];
	int at = snprintf(
		line, sizeof(line), "%016llx %s", (unsigned long long)hash, name);

	for (int i = 0; i < len; i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %lx", own[i]);
	snprintf(line + at, sizeof(line) - (size_t)at, "\n");
	note(line);
}

/* Returns true if the call that returns to `back` is to fail. */
static bool fails(const char *name, const void *back)
{
	uintptr_t caller = (uintptr_t)back;
	void *frames[FRAMES_MAX];
	uintptr_t own[OWN_MAX];
	uint64_t hash = 1;
	int len = 0;

	if (!failing.on || caller < failing.begin || caller >= failing.end)
		return false;
	if (failing.wanted && failing.has_failed)
		return false;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3;

	int count = backtrace(frames, FRAMES_MAX);

	for (int i = 0; i < count && len < OWN_MAX; i++) {
		uintptr_t frame = (uintptr_t)frames[i];

		if (frame < failing.begin || frame >= failing.end)
			continue;
		own[len++] = frame - failing.base;
		hash = (hash ^ (frame - failing.base)) * 0x9e3779b97f4a7c15;
	}
	if (!failing.wanted && is_new(hash))
		record(name, hash, own, len);
	if (!failing.wanted || hash != failing.wanted ||
		atomic_exchange(&failing.has_failed, true))
		return false;
	note("failed\n");
	return true;
}

/* All parameters and results are integers or pointers, and there are at most eight. */
typedef long call(long a, long b, long c, long d, long e, long f, long g, long h);

static call *next(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return (call *)(uintptr_t)found;
}

#define BACK __builtin_return_address(0)

/* Replaces a function by one that can fail with this result and errno. */
#define FAILS_IF(condition, name, result, error)                                    \
	long failing_##name(long a, long b, long c, long d, long e, long f, long g, \
		long h) __asm__(#name);                                             \
	long failing_##name(                                                        \
		long a, long b, long c, long d, long e, long f, long g, long h)     \
	{                                                                           \
		static call *real;                                                  \
                                                                                    \
		if (!real)                                                          \
			real = next(#name);                                         \
		if ((condition) && fails(#name, BACK)) {                            \
			errno = error;                                              \
			return result;                                              \
		}                                                                   \
		return real(a, b, c, d, e, f, g, h);                                \
	}
#define FAILS(name, result, error) FAILS_IF(true, name, result, error)

void *malloc(size_t size)
{
	return fails("malloc", BACK) ? (errno = ENOMEM, NULL) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails("calloc", BACK) ? (errno = ENOMEM, NULL)
				     : __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
	return size && fails("realloc", BACK) ? (errno = ENOMEM, NULL)
					      : __libc_realloc(pointer, size);
}

static int print(char **ret_text, const char *format, va_list more, const void *back)
{
	/* not our own vasprintf() */
	static int (*real)(char **ret_text, int flag, const char *format, va_list more);

	if (!real)
		real = (int (*)(char **, int, const char *, va_list))(uintptr_t)dlsym(
			RTLD_NEXT, "__vasprintf_chk");
	if (fails("asprintf", back)) {
		errno = ENOMEM;
		return -1;
	}
	return real(ret_text, 1, format, more);
}

int failing_asprintf(char **ret_text, int flag, const char *format, ...) __asm__(
	"__asprintf_chk");

int failing_asprintf(char **ret_text, int flag, const char *format, ...)
{
	va_list more;

	(void)flag;
	va_start(more, format);

	int len = print(ret_text, format, more, BACK);

	va_end(more);
	return len;
}

/* The C library. close(), kill(), poll() and waitpid() are left out: ignoring their
 * errors is right in most places. */
FAILS(reallocarray, 0, ENOMEM)
FAILS(strdup, 0, ENOMEM)
FAILS(strndup, 0, ENOMEM)
FAILS(realpath, 0, EIO)
FAILS(getcwd, 0, EIO)
FAILS(getpwnam, 0, EIO)
FAILS(getpwuid, 0, EIO)
FAILS(fopen64, 0, EMFILE)
FAILS(fdopen, 0, ENOMEM)
FAILS(opendir, 0, EMFILE)
FAILS(fdopendir, 0, ENOMEM)
FAILS(open64, -1, EMFILE)
FAILS(openat64, -1, EMFILE)
FAILS(__openat64_2, -1, EMFILE)
FAILS(memfd_create, -1, EMFILE)
FAILS(dup, -1, EMFILE)
FAILS(dup2, -1, EMFILE)
FAILS(dup3, -1, EMFILE)
FAILS(pipe2, -1, EMFILE)
FAILS(signalfd, -1, EMFILE)
FAILS(timerfd_create, -1, EMFILE)
FAILS(timerfd_settime, -1, EINVAL)
FAILS(pidfd_open, -1, EMFILE)
FAILS(fork, -1, EAGAIN)
FAILS(posix_spawnp, EAGAIN, 0)
FAILS(pthread_create, EAGAIN, 0)
FAILS(setsid, -1, EPERM)
FAILS(unshare, -1, EPERM)
FAILS(chdir, -1, EACCES)
FAILS(access, -1, EACCES)
FAILS(faccessat, -1, EACCES)
FAILS(fstat64, -1, EIO)
FAILS(lstat64, -1, EIO)
FAILS(stat64, -1, EIO)
FAILS(fstatat64, -1, EIO)
FAILS(statx, -1, EIO)
FAILS(fstatfs64, -1, EIO)
FAILS(fstatvfs64, -1, EIO)
FAILS(statvfs64, -1, EIO)
FAILS(readlink, -1, EIO)
FAILS(readlinkat, -1, EIO)
FAILS(mkdir, -1, EROFS)
FAILS(fchmod, -1, EPERM)
FAILS(rename, -1, EIO)
FAILS(renameat, -1, EIO)
FAILS(unlink, -1, EIO)
FAILS(unlinkat, -1, EIO)
FAILS(umount2, -1, EBUSY)
FAILS(flock, -1, ENOLCK)
FAILS(fcntl64, -1, EINVAL)
FAILS(ioctl, -1, EIO)
FAILS(fsync, -1, EIO)
FAILS(fdatasync, -1, EIO)
FAILS(read, -1, EIO)
FAILS(pread64, -1, EIO)
FAILS(pwrite64, -1, EIO)
/* Messages are written, because a test reads them. */
FAILS_IF(a > STDERR_FILENO, write, -1, EIO)

/* SQLite */
FAILS(sqlite3_initialize, 7, 0)
FAILS(sqlite3_mprintf, 0, 0)
FAILS(sqlite3_exec, 10, 0)
FAILS(sqlite3_prepare_v2, 7, 0)
FAILS(sqlite3_prepare_v3, 7, 0)
FAILS(sqlite3_step, 10, 0)
FAILS(sqlite3_blob_open, 7, 0)
FAILS(sqlite3_blob_read, 10, 0)
FAILS(sqlite3_blob_write, 10, 0)

/* zstd */
FAILS(ZSTD_createCCtx, 0, 0)
FAILS(ZSTD_createDCtx, 0, 0)
FAILS(ZSTD_compress2, -64, 0)
FAILS(ZSTD_decompressDCtx, -64, 0)

/* True for options of libcurl of which it copies the value. Others cannot fail. */
static bool is_copied(long option)
{
	return option == CURLOPT_URL || option == CURLOPT_PROXY ||
	       option == CURLOPT_USERAGENT || option == CURLOPT_CUSTOMREQUEST ||
	       option == CURLOPT_ACCEPT_ENCODING || option == CURLOPT_PROTOCOLS_STR ||
	       option == CURLOPT_CAINFO_BLOB;
}

/* libcurl */
FAILS(curl_global_init_mem, 27, 0)
FAILS(curl_easy_init, 0, 0)
FAILS_IF(is_copied(b), curl_easy_setopt, 27, 0)
FAILS(curl_multi_init, 0, 0)
FAILS(curl_multi_setopt, 3, 0)
FAILS(curl_multi_add_handle, 3, 0)
FAILS(curl_slist_append, 0, 0)
FAILS(curl_url, 0, 0)
FAILS(curl_url_get, 7, 0)
FAILS(curl_url_set, 7, 0)

/* cJSON */
FAILS(cJSON_ParseWithLength, 0, 0)
FAILS(cJSON_PrintUnformatted, 0, 0)
FAILS(cJSON_CreateObject, 0, 0)

/* libfuse and libmount */
FAILS(fuse_opt_add_arg, -1, ENOMEM)
FAILS(fuse_session_new, 0, ENOMEM)
FAILS(fuse_session_mount, -1, EPERM)
FAILS(mnt_new_table, 0, ENOMEM)
FAILS(mnt_new_iter, 0, ENOMEM)
FAILS(mnt_table_parse_file, -EIO, EIO)
