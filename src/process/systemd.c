/* SPDX-License-Identifier: MIT */
#include "process/systemd.h"

#include <systemd/sd-daemon.h>

/* Sends a state to the service manager. Returns 0 or a negative errno. */
static int tell(const char *news)
{
	int told = sd_notify(0, news);

	return told < 0 ? told : 0;
}

int manager_ready(void)
{
	return tell("READY=1");
}

int manager_stopping(void)
{
	return tell("STOPPING=1");
}
