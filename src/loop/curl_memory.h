/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * curl_global_init(), with memory that is wiped when libcurl frees it. To be called as
 * that is. 0, -ENOMEM.
 */
int http_memory_init(void);
