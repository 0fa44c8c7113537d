/* SPDX-License-Identifier: MIT */
#ifndef FCGI_NOTIFY_H
#define FCGI_NOTIFY_H

#include "capture/pulse.h"

#include <stdbool.h>
#include <stdint.h>

struct camera_status;

/*
 * notify - tells systemd how the worker is: ready, the camera's state in
 * words, alive, stopping. Without systemd (no NOTIFY_SOCKET) does nothing.
 *
 * WATCHDOG=1 goes out only while both pulses beat. A driver may hold the
 * camera's thread for some seconds, so WatchdogSec= is best 30 or more.
 */
struct notify {
	struct pulse camera, server; /* for these threads to beat */
	bool enabled;
	int64_t watchdog_ns; /* 0: none is set */
	char status[320];    /* as last told */
};

void notify_init(struct notify *notify);

void notify_ready(struct notify *notify);
void notify_stopping(struct notify *notify);

/* Tells what has changed, and that the loops turn. Returns when it wants to be called again. */
int64_t notify_tick(struct notify *notify, const struct camera_status *status);

#endif
