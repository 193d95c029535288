/* SPDX-License-Identifier: MIT */
#include "compressor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	FRAME = 1, /* first byte of a stored chunk that is a frame of zstd */
	/* Jobs get 8 times smaller, at 900 MB/s. Lower levels are not much faster: -2
	 * makes them 6 times smaller at 1,100 MB/s. Levels 2 to 4 do not make them
	 * smaller; 6 makes them 9 times smaller, but at 230 MB/s. */
	LEVEL = 1,
	PACKED_MAX = ZSTD_COMPRESSBOUND(CHUNK_SIZE),
	PLACES = 16, /* maximum number of chunks in the queue */
};

/* A place in the queue. Only the part that a chunk needs is ever written. */
struct place {
	int64_t number;
	size_t len;    /* size of the chunk */
	size_t packed; /* size of the frame, or an error of zstd */
	bool done;     /* `packed` is set; protected by the lock */
	char chunk[CHUNK_SIZE];
	char stored[1 + PACKED_MAX];
};

/*
 * `put`, `begun` and `taken` count chunks; chunk n has the place n % PLACES. The thread
 * or the caller compresses a chunk: the one that increments `begun`.
 */
struct compressor {
	pthread_t thread;
	ZSTD_CCtx *packer;     /* the thread's */
	ZSTD_CCtx *own_packer; /* the caller's */
	ZSTD_DCtx *unpacker;
	char chunk[CHUNK_SIZE]; /* the chunk that was unpacked last */
	uint64_t taken;
	pthread_mutex_t lock;
	pthread_cond_t news; /* signalled when `put` or `stopping` changed */
	pthread_cond_t done; /* signalled when the thread has compressed a chunk */
	/* Protected by the lock: */
	uint64_t put;
	uint64_t begun;
	bool stopping;
	struct place places[PLACES];
};

static struct place *compressor_place(struct compressor *compressor, uint64_t number)
{
	return &compressor->places[number % PLACES];
}

static void compressor_pack(ZSTD_CCtx *packer, struct place *place)
{
	place->packed = ZSTD_compress2(
		packer, place->stored + 1, PACKED_MAX, place->chunk, place->len);
}

static void *compressor_run(void *ctx)
{
	struct compressor *compressor = ctx;

	pthread_mutex_lock(&compressor->lock);
	for (;;) {
		while (compressor->begun == compressor->put && !compressor->stopping)
			pthread_cond_wait(&compressor->news, &compressor->lock);
		if (compressor->stopping)
			break;

		struct place *place = compressor_place(compressor, compressor->begun++);

		pthread_mutex_unlock(&compressor->lock);
		compressor_pack(compressor->packer, place);
		pthread_mutex_lock(&compressor->lock);
		place->done = true;
		pthread_cond_signal(&compressor->done);
	}
	pthread_mutex_unlock(&compressor->lock);
	return NULL;
}

static int compressor_start_thread(struct compressor *compressor)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);

	int err = pthread_create(&compressor->thread, NULL, compressor_run, compressor);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void compressor_release(struct compressor *compressor)
{
	ZSTD_freeCCtx(compressor->packer);
	ZSTD_freeCCtx(compressor->own_packer);
	ZSTD_freeDCtx(compressor->unpacker);
	pthread_cond_destroy(&compressor->done);
	pthread_cond_destroy(&compressor->news);
	pthread_mutex_destroy(&compressor->lock);
	free(compressor);
}

static ZSTD_CCtx *compressor_make_packer(void)
{
	ZSTD_CCtx *packer = ZSTD_createCCtx();

	if (packer) {
		ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(packer, ZSTD_c_checksumFlag, 1);
	}
	return packer;
}

int compressor_new(struct compressor **ret_compressor)
{
	struct compressor *compressor = calloc(1, sizeof(*compressor));

	if (!compressor)
		return -ENOMEM;
	pthread_mutex_init(&compressor->lock, NULL);
	pthread_cond_init(&compressor->news, NULL);
	pthread_cond_init(&compressor->done, NULL);
	compressor->packer = compressor_make_packer();
	compressor->own_packer = compressor_make_packer();
	compressor->unpacker = ZSTD_createDCtx();

	bool whole = compressor->packer && compressor->own_packer && compressor->unpacker;
	int err = whole ? compressor_start_thread(compressor) : -ENOMEM;

	if (err) {
		compressor_release(compressor);
		return err;
	}
	*ret_compressor = compressor;
	return 0;
}

void compressor_free(struct compressor *compressor)
{
	if (!compressor)
		return;
	pthread_mutex_lock(&compressor->lock);
	compressor->stopping = true;
	pthread_cond_signal(&compressor->news);
	pthread_mutex_unlock(&compressor->lock);
	pthread_join(compressor->thread, NULL);
	compressor_release(compressor);
}

bool compressor_put(
	struct compressor *compressor, int64_t number, const char *chunk, size_t len)
{
	/* Only this thread changes `put`, so it may read it without the lock. */
	struct place *place = compressor_place(compressor, compressor->put);

	if (compressor->put - compressor->taken == PLACES)
		return false;
	place->number = number;
	place->len = len;
	place->done = false;
	memcpy(place->chunk, chunk, len);
	pthread_mutex_lock(&compressor->lock);
	compressor->put++;
	pthread_cond_signal(&compressor->news);
	pthread_mutex_unlock(&compressor->lock);
	return true;
}

/* Makes sure that the oldest chunk is compressed. */
static void compressor_finish(struct compressor *compressor, struct place *place)
{
	pthread_mutex_lock(&compressor->lock);

	bool is_ours = compressor->begun == compressor->taken;

	if (is_ours)
		compressor->begun++;
	while (!is_ours && !place->done)
		pthread_cond_wait(&compressor->done, &compressor->lock);
	pthread_mutex_unlock(&compressor->lock);
	if (is_ours)
		compressor_pack(compressor->own_packer, place);
}

bool compressor_take(struct compressor *compressor, int64_t *ret_number,
	const char **ret_stored, size_t *ret_len)
{
	if (compressor->taken == compressor->put)
		return false;

	struct place *place = compressor_place(compressor, compressor->taken);

	compressor_finish(compressor, place);
	compressor->taken++;
	*ret_number = place->number;
	/* zstd only fails if there is not enough memory. */
	if (ZSTD_isError(place->packed) || 1 + place->packed >= place->len) {
		*ret_stored = place->chunk;
		*ret_len = place->len;
	} else {
		place->stored[0] = FRAME;
		*ret_stored = place->stored;
		*ret_len = 1 + place->packed;
	}
	return true;
}

const char *compressor_unpack(
	struct compressor *compressor, const char *stored, size_t len, size_t *ret_len)
{
	if (!len || stored[0] != FRAME) {
		*ret_len = len;
		return stored;
	}

	size_t unpacked = ZSTD_decompressDCtx(
		compressor->unpacker, compressor->chunk, CHUNK_SIZE, stored + 1, len - 1);

	if (ZSTD_isError(unpacked))
		return NULL;
	*ret_len = unpacked;
	return compressor->chunk;
}
