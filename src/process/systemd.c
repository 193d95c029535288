/* SPDX-License-Identifier: MIT */
#include "process/systemd.h"

#include <systemd/sd-daemon.h>

/* Sends a state to the service manager. Returns 0 or a negative errno. */
static int systemd_tell(const char *news)
{
	int told = sd_notify(0, news);

	return told < 0 ? told : 0;
}

int systemd_ready(void)
{
	return systemd_tell("READY=1");
}

int systemd_stopping(void)
{
	return systemd_tell("STOPPING=1");
}
