/* SPDX-License-Identifier: MIT */
#include "failing_read.h"

#include <errno.h>

#include "catalog/jobs.h"

int __real_jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job);
int __wrap_jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job);

static unsigned fails_at;
static unsigned calls;

void failing_read_at(unsigned number)
{
	fails_at = number;
	calls = 0;
}

unsigned failing_read_calls(void)
{
	return calls;
}

int __wrap_jobs_by_row(struct catalog *catalog, int64_t row, struct catalog_job *ret_job)
{
	calls++;
	return calls == fails_at ? -EIO : __real_jobs_by_row(catalog, row, ret_job);
}
