/* SPDX-License-Identifier: MIT */
#include "loop/curl_memory.h"

#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * libcurl builds requests, including the header with the key, in buffers that it frees
 * without wiping them. An attacker who can read our memory would find the key there, even
 * one that was replaced long ago: in six places after some reads, instead of two
 * (SEMANTICS 2.2.5). So we wipe all memory that libcurl frees. Its size is stored in a
 * header in front of each block.
 */
union head {
	size_t size;
	max_align_t align;
};

static void *curl_memory_take(size_t size)
{
	union head *head = NULL;

	if (size <= SIZE_MAX - sizeof(*head))
		head = malloc(sizeof(*head) + size);
	if (!head)
		return NULL;
	head->size = size;
	return head + 1;
}

static void curl_memory_give(void *pointer)
{
	union head *head = pointer;

	if (!head)
		return;
	head--;
	explicit_bzero(head, sizeof(*head) + head->size);
	free(head);
}

static void *curl_memory_retake(void *pointer, size_t size)
{
	union head *old = pointer;
	void *grown = curl_memory_take(size);

	if (!grown || !old)
		return grown;
	memcpy(grown, pointer, old[-1].size < size ? old[-1].size : size);
	curl_memory_give(pointer);
	return grown;
}

static char *curl_memory_copy(const char *string)
{
	size_t size = strlen(string) + 1;
	char *copied = curl_memory_take(size);

	return copied ? memcpy(copied, string, size) : NULL;
}

static void *curl_memory_take_zeroed(size_t count, size_t size)
{
	void *zeroed = size && count > SIZE_MAX / size ? NULL
						       : curl_memory_take(count * size);

	return zeroed ? memset(zeroed, 0, count * size) : NULL;
}

int curl_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_memory_take,
		       curl_memory_give, curl_memory_retake, curl_memory_copy,
		       curl_memory_take_zeroed)
		       ? -ENOMEM
		       : 0;
}
