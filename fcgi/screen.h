/* SPDX-License-Identifier: MIT */
#ifndef FCGI_SCREEN_H
#define FCGI_SCREEN_H

#include "capture/camera.h"
#include "fcgi/part.h"

#include <stdbool.h>
#include <stdint.h>

struct frame;

/*
 * screen - what a viewer is to be shown now: the newest picture, or a
 * placeholder that says why there is none.
 *
 * Belongs to the thread of the viewers. The parts of what is shown are made
 * when the first viewer wants them, once for all.
 */
struct screen {
	uint64_t generation; /* grows with everything new to show */
	bool lit;            /* there is something to show; else wait */
	bool is_picture;     /* … and it is a real picture, or the test pattern */
	struct frame *frame; /* the newest; kept after it has gone dark, to end streams with */
	char reason[200];    /* the placeholder's */
	enum camera_state state;
	struct part *parts[PART_STYLES];
	size_t held; /* bytes of all parts alive: ours and those that viewers hold */
	unsigned width, height;
};

/* width and height: of a placeholder before there was any picture. */
void screen_init(struct screen *screen, unsigned width, unsigned height);
void screen_finish(struct screen *screen);

/*
 * Shows newest, the hub's frame, whose reference it takes over; NULL: there is
 * none, so what the status says. true: there is something new to show. A
 * starting camera gets three seconds before a placeholder is shown, and one that
 * a test pattern stands in for has none.
 */
bool screen_update(struct screen *screen, struct frame *newest, const struct camera_status *status);

/* A reference to the part of what was shown last, even if it has gone dark; NULL: nothing ever was.
 */
struct part *screen_part(struct screen *screen, enum part_style style, unsigned id);

/* Bytes of parts that only viewers hold any more. */
size_t screen_held_by_viewers(const struct screen *screen);

#endif
