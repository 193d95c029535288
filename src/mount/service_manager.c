/* SPDX-License-Identifier: MIT */
#include "service_manager.h"

#include <string.h>
#include <systemd/sd-daemon.h>

void service_manager_ready(const struct log *log)
{
	int err = sd_notify(0, "READY=1");

	if (err < 0)
		log_warning(log,
			"cannot notify the service manager at $NOTIFY_SOCKET that the "
			"mount is ready (%s): it may end this process; use another Type= "
			"than notify",
			strerror(-err));
}

void service_manager_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}
