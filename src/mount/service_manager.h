/* SPDX-License-Identifier: MIT */
#pragma once

#include "base/log.h"

/*
 * Notifies the service manager, if there is one, that the mount is usable. If that fails
 * we only log it, because the mount works without it. A mount in the background sends no
 * notification: its parent process reports the start by its exit.
 */
void service_manager_ready(const struct log *log);

/* Notifies the service manager, if there is one, that the mount is about to end. */
void service_manager_stopping(void);
