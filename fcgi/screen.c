/* SPDX-License-Identifier: MIT */
#include "fcgi/screen.h"

#include "capture/clock.h"
#include "capture/frame.h"
#include "capture/placeholder.h"

#include <stdio.h>
#include <string.h>

#define STARTING_NS (3 * NS_PER_S)
#define SHARED_ID 1 /* nginx uses no other request id */

void screen_init(struct screen *screen, unsigned width, unsigned height)
{
	*screen = (struct screen){.width = width, .height = height};
}

static void drop_parts(struct screen *screen)
{
	for (int style = 0; style < PART_STYLES; style++) {
		part_unref(screen->parts[style]);
		screen->parts[style] = NULL;
	}
}

void screen_finish(struct screen *screen)
{
	drop_parts(screen);
	frame_unref(screen->frame);
	screen->frame = NULL;
}

/* Takes over the caller's reference. */
static void show(struct screen *screen, struct frame *frame, bool is_picture)
{
	drop_parts(screen);
	frame_unref(screen->frame);
	screen->frame = frame;
	screen->is_picture = is_picture;
	screen->lit = true;
	screen->generation++;
}

static bool show_picture(struct screen *screen, struct frame *frame)
{
	if (screen->lit && screen->is_picture && screen->frame->seq == frame->seq) {
		frame_unref(frame);
		return false;
	}
	screen->width = frame->width;
	screen->height = frame->height;
	show(screen, frame, true);
	return true;
}

static bool wants_placeholder(const struct camera_status *status)
{
	if (status->state == CAMERA_IDLE || status->state == CAMERA_LIVE || status->stand_in)
		return false;
	return status->state != CAMERA_STARTING ||
	       clock_wall_ns() - status->since_ns >= STARTING_NS;
}

static bool show_placeholder(struct screen *screen, const struct camera_status *status)
{
	const char *reason =
		status->state == CAMERA_STARTING ? "the camera is starting" : status->reason;
	struct frame *frame;

	if (screen->lit && !screen->is_picture && screen->state == status->state &&
		strcmp(screen->reason, reason) == 0)
		return false;
	screen->state = status->state;
	snprintf(screen->reason, sizeof(screen->reason), "%s", reason);
	frame = placeholder_render(
		screen->width, screen->height, camera_state_name(status->state), screen->reason);
	if (!frame) {
		screen->lit = false;
		return false;
	}
	frame->wall_ns = clock_wall_ns();
	frame->captured_ns = clock_now_ns();
	show(screen, frame, false);
	return true;
}

bool screen_update(struct screen *screen, struct frame *newest, const struct camera_status *status)
{
	if (newest)
		return show_picture(screen, newest);
	if (wants_placeholder(status))
		return show_placeholder(screen, status);
	/* A placeholder stays until the camera that is now starting has its first picture. */
	if (screen->is_picture || status->state == CAMERA_IDLE)
		screen->lit = false;
	return false;
}

static struct part *make_part(
	const struct screen *screen, enum part_style style, unsigned id, size_t *held)
{
	const struct part_label label = {camera_state_name(screen->state), screen->reason};

	return part_create(screen->frame, style, id, screen->is_picture ? NULL : &label, held);
}

struct part *screen_part(struct screen *screen, enum part_style style, unsigned id)
{
	if (!screen->frame)
		return NULL;
	if (id != SHARED_ID)
		return make_part(screen, style, id, &screen->held);
	if (!screen->parts[style])
		screen->parts[style] = make_part(screen, style, id, &screen->held);
	return screen->parts[style] ? part_ref(screen->parts[style]) : NULL;
}

size_t screen_held_by_viewers(const struct screen *screen)
{
	size_t own = 0;

	for (int style = 0; style < PART_STYLES; style++)
		own += screen->parts[style] ? screen->parts[style]->size : 0;
	return screen->held - own;
}
