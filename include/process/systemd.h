/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Notify the service manager with sd_notify(3) that the mount is ready, or that it is
 * being unmounted. Use them only in the foreground: in the background, the exit of the
 * parent process reports the start. Both return 0, also if there is no service manager
 * ($NOTIFY_SOCKET is not set), or a negative errno. They never block.
 */
int systemd_ready(void);
int systemd_stopping(void);
