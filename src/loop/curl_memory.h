/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Initializes libcurl like curl_global_init(), with an allocator that wipes memory when
 * it is freed. Each successful call must be paired with curl_global_cleanup(). Returns 0
 * or -ENOMEM.
 */
int curl_memory_init(void);
