/* SPDX-License-Identifier: MIT */
#include "fcgi/notify.h"

#include "capture/camera.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define STATUS_NS NS_PER_S

/* Beats come four times in the watchdog's time, so that half of it without one is too long. */
static void set_pulse(struct pulse *pulse, int64_t watchdog_ns)
{
	pulse->interval_ns = watchdog_ns ? watchdog_ns / 4 : INT64_MAX;
	pulse->beat_ns = clock_now_ns();
}

void notify_init(struct notify *notify)
{
	uint64_t watchdog_us = 0;

	*notify = (struct notify){.enabled = getenv("NOTIFY_SOCKET") != NULL};
	if (notify->enabled && sd_watchdog_enabled(0, &watchdog_us) > 0)
		notify->watchdog_ns = (int64_t)watchdog_us * 1000;
	set_pulse(&notify->camera, notify->watchdog_ns);
	set_pulse(&notify->server, notify->watchdog_ns);
}

void notify_ready(struct notify *notify)
{
	if (notify->enabled)
		sd_notify(0, "READY=1");
}

void notify_stopping(struct notify *notify)
{
	if (notify->enabled)
		sd_notify(0, "STOPPING=1");
}

static void describe(const struct camera_status *status, char *to, size_t size)
{
	const struct source_info *info = &status->info;

	if (status->state == CAMERA_LIVE)
		snprintf(to, size, "Camera live: %s, %s %ux%u at %.3g fps",
			*info->card ? info->card : info->device, info->format, info->width,
			info->height, info->fps);
	else if (status->state == CAMERA_IDLE)
		snprintf(to, size, "Camera idle: nobody watches");
	else
		snprintf(to, size, "Camera %s%s%s", camera_state_name(status->state),
			*status->reason ? ": " : "", status->reason);
}

static void tell_status(struct notify *notify, const struct camera_status *status)
{
	char text[sizeof(notify->status)];

	describe(status, text, sizeof(text));
	if (strcmp(text, notify->status) == 0)
		return;
	strcpy(notify->status, text);
	sd_notifyf(0, "STATUS=%s", text);
}

static bool beats(const struct notify *notify, const struct pulse *pulse, int64_t now)
{
	return now - pulse->beat_ns < notify->watchdog_ns / 2;
}

int64_t notify_tick(struct notify *notify, const struct camera_status *status)
{
	int64_t now = clock_now_ns();

	if (!notify->enabled)
		return INT64_MAX;
	tell_status(notify, status);
	if (!notify->watchdog_ns)
		return now + STATUS_NS;
	if (beats(notify, &notify->camera, now) && beats(notify, &notify->server, now))
		sd_notify(0, "WATCHDOG=1");
	return now + (notify->watchdog_ns / 4 < STATUS_NS ? notify->watchdog_ns / 4 : STATUS_NS);
}
