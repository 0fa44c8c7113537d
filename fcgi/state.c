/* SPDX-License-Identifier: MIT */
#include "fcgi/state.h"

#include "capture/camera.h"
#include "capture/clock.h"
#include "fcgi/config.h"
#include "fcgi/viewers.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

static double seconds(int64_t ns)
{
	return (double)(ns / 1000) / 1e6;
}

static json_t *rounded(double value)
{
	return json_real(round(value * 1000) / 1000);
}

/* Drivers and file names are not always UTF-8, or were cut in the middle of a character. */
static json_t *text(const char *bytes)
{
	json_t *string = json_string(bytes);
	char plain[256];
	size_t n = 0;

	if (string)
		return string;
	for (; bytes[n] && n < sizeof(plain) - 1; n++)
		plain[n] = (unsigned char)bytes[n] < 0x80 ? bytes[n] : '?';
	plain[n] = '\0';
	return json_string(plain);
}

static json_t *camera_json(const struct camera_status *status)
{
	const struct source_info *info = &status->info;

	return json_pack("{s:s, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:{s:I, s:I, s:I}}",
		"state", camera_state_name(status->state), "reason", text(status->reason), "since",
		seconds(status->since_ns), "device", text(info->device), "driver",
		text(info->driver), "card", text(info->card), "bus", text(info->bus), "format",
		text(info->format), "opens", (json_int_t)status->opens, "errors",
		(json_int_t)(status->errors[CAMERA_NO_DEVICE] + status->errors[CAMERA_BUSY] +
			     status->errors[CAMERA_DENIED] + status->errors[CAMERA_STALLED] +
			     status->errors[CAMERA_ERROR]),
		"dropped", "flagged", (json_int_t)status->drops.flagged, "truncated",
		(json_int_t)status->drops.truncated, "not_jpeg",
		(json_int_t)status->drops.not_jpeg);
}

static json_t *encoder_json(const struct config *config, const struct camera_status *status)
{
	return json_pack("{s:s, s:i, s:o}", "type", status->encodes ? "CPU" : "PASSTHROUGH",
		"quality", config->quality, "ms_per_frame", rounded(status->encode_ms));
}

static json_t *source_json(
	const struct config *config, const struct camera_status *status, int64_t now_ns)
{
	const struct source_info *info = &status->info;
	json_t *age = status->last_frame_ns ? rounded(seconds(now_ns - status->last_frame_ns))
					    : json_null();

	return json_pack("{s:{s:i, s:i}, s:b, s:f, s:o, s:o}", "resolution", "width",
		(int)(info->width ? info->width : config->width), "height",
		(int)(info->height ? info->height : config->height), "online",
		camera_fresh(status, now_ns), "desired_fps", config->fps, "captured_fps",
		rounded(status->showing ? status->captured_fps : 0), "last_frame_age", age);
}

struct sum {
	json_t *clients;
	double fps;
};

static void add_client(void *arg, const struct viewer_figures *figures)
{
	struct sum *sum = arg;
	char id[24];

	snprintf(id, sizeof(id), "%llx", (unsigned long long)figures->serial);
	if (figures->fps > sum->fps)
		sum->fps = figures->fps;
	json_object_set_new(sum->clients, id,
		json_pack("{s:o, s:I, s:I, s:o, s:o}", "fps", rounded(figures->fps), "frames",
			(json_int_t)figures->frames, "skipped", (json_int_t)figures->skipped, "lag",
			rounded(figures->lag_s), "seconds", rounded(figures->seconds)));
}

static json_t *stream_json(const struct config *config, struct viewers *viewers)
{
	struct sum sum = {.clients = json_object()};

	viewers_each(viewers, add_client, &sum);
	return json_pack("{s:o, s:i, s:i, s:o}", "queued_fps", rounded(sum.fps), "clients",
		(int)viewers_count(viewers), "max_clients", (int)config->max_viewers,
		"clients_stat", sum.clients);
}

char *state_json(
	const struct config *config, const struct camera_status *status, struct viewers *viewers)
{
	int64_t now_ns = clock_now_ns();
	json_t *root = json_pack("{s:b, s:{s:o, s:f, s:o, s:o, s:o, s:o}}", "ok", 1, "result",
		"instance_id", text(config->instance_id), "now", seconds(clock_wall_ns()), "camera",
		camera_json(status), "encoder", encoder_json(config, status), "source",
		source_json(config, status, now_ns), "stream", stream_json(config, viewers));
	/* 16 digits: a time of day to the microsecond, and 29.97 still reads 29.97 */
	char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(16)) : NULL;

	json_decref(root);
	return text;
}
