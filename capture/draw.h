/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DRAW_H
#define CAPTURE_DRAW_H

/*
 * draw - rectangles and text on a YU12 canvas, for the test pattern and the placeholder.
 *
 * Colours are full-range BT.601 Y, U, V. Everything is clipped at the borders, so any
 * position and size may be asked for. One colour sample serves 2x2 pixels: it takes the
 * colour of whatever touched it last.
 */
#include "capture/image.h"

/* Plain data in one allocation, the planes behind it. */
struct canvas {
	unsigned width, height;
	unsigned stride; /* of y; u and v have half of it */
	size_t size;     /* of all three planes */
	uint8_t *y, *u, *v;
};

/* Black. NULL with EINVAL (a size of 0 or over 65500) or ENOMEM. */
struct canvas *canvas_create(unsigned width, unsigned height);
void canvas_destroy(struct canvas *canvas);

/* Lends the canvas as a full-range YU12 image; the capture time is left 0. */
void canvas_image(const struct canvas *canvas, struct image *image);

void draw_rect(
	struct canvas *canvas, int x, int y, int w, int h, uint8_t cy, uint8_t cu, uint8_t cv);

/*
 * One line of printable ASCII (other bytes are drawn as '?'), its upper left corner at x, y.
 * A character is TEXT_WIDTH * scale wide and TEXT_HEIGHT * scale high, gaps included; capitals
 * are 7 * scale high. The background stays.
 */
#define TEXT_WIDTH 6
#define TEXT_HEIGHT 10
void draw_text(struct canvas *canvas, int x, int y, unsigned scale, const char *text, uint8_t cy,
	uint8_t cu, uint8_t cv);

/* Pixels from the first column to the last that draw_text would touch. */
unsigned text_width(unsigned scale, const char *text);

#endif
