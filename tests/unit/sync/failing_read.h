/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Replaces jobs_by_row() at link time: lets it fail with -EIO in the `number`-th call
 * from now on, counted from 1. 0: no call fails.
 */
void failing_read_at(unsigned number);

/* Returns the number of calls since failing_read_at(). */
unsigned failing_read_calls(void);
