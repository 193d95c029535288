/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a service manager hears (sd_notify(3)), if $NOTIFY_SOCKET says that one listens;
 * else both do nothing and give 0. For a program in the foreground: a daemon's parent
 * tells by its end. Never waits. -errno where it could not be told.
 */
int manager_ready(void);
int manager_stopping(void);
