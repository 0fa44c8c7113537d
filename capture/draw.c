/* SPDX-License-Identifier: MIT */
#include "capture/draw.h"
#include "capture/font.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIMENSION 65500 /* what the encoder takes */

struct colour {
	uint8_t y, u, v;
};

/* 64 bits: no position, size and scale can overflow before they are clipped. */
struct box {
	int64_t left, top, right, bottom;
};

struct canvas *canvas_create(unsigned width, unsigned height)
{
	if (!width || !height || width > MAX_DIMENSION || height > MAX_DIMENSION) {
		errno = EINVAL;
		return NULL;
	}
	unsigned stride = width + width % 2, chroma_height = height / 2 + height % 2;
	size_t luma = (size_t)stride * height, chroma = (size_t)stride / 2 * chroma_height;
	struct canvas *canvas = malloc(sizeof *canvas + luma + 2 * chroma);
	if (!canvas)
		return NULL;
	uint8_t *y = (uint8_t *)(canvas + 1);
	*canvas = (struct canvas){.width = width,
		.height = height,
		.stride = stride,
		.size = luma + 2 * chroma,
		.y = y,
		.u = y + luma,
		.v = y + luma + chroma};
	memset(y, 0, luma);
	memset(canvas->u, 128, 2 * chroma);
	return canvas;
}

void canvas_destroy(struct canvas *canvas)
{
	free(canvas);
}

void canvas_image(const struct canvas *canvas, struct image *image)
{
	*image = (struct image){.fourcc = FOURCC_YU12,
		.data = canvas->y,
		.size = canvas->size,
		.width = canvas->width,
		.height = canvas->height,
		.stride = canvas->stride,
		.full_range = true,
		.matrix = IMAGE_BT601};
}

static int64_t between(int64_t value, int64_t limit)
{
	return value < 0 ? 0 : value > limit ? limit : value;
}

static void fill_plane(uint8_t *plane, size_t stride, const struct box *box, uint8_t value)
{
	for (int64_t line = box->top; line < box->bottom; line++)
		memset(plane + stride * line + box->left, value, box->right - box->left);
}

static void fill(struct canvas *canvas, struct box box, struct colour colour)
{
	box.left = between(box.left, canvas->width);
	box.right = between(box.right, canvas->width);
	box.top = between(box.top, canvas->height);
	box.bottom = between(box.bottom, canvas->height);
	if (box.left >= box.right || box.top >= box.bottom)
		return;
	struct box chroma = {box.left / 2, box.top / 2, (box.right + 1) / 2, (box.bottom + 1) / 2};
	fill_plane(canvas->y, canvas->stride, &box, colour.y);
	fill_plane(canvas->u, canvas->stride / 2, &chroma, colour.u);
	fill_plane(canvas->v, canvas->stride / 2, &chroma, colour.v);
}

void draw_rect(
	struct canvas *canvas, int x, int y, int w, int h, uint8_t cy, uint8_t cu, uint8_t cv)
{
	struct box box = {x, y, (int64_t)x + w, (int64_t)y + h};
	fill(canvas, box, (struct colour){cy, cu, cv});
}

/* One line of a glyph: a box for each run of dots. */
static void draw_dots(struct canvas *canvas, struct box at, unsigned scale, char c, unsigned line,
	struct colour colour)
{
	unsigned end;
	for (unsigned column = 0; column < FONT_WIDTH; column = end + 1) {
		end = column;
		while (end < FONT_WIDTH && font_dot(c, end, line))
			end++;
		struct box run = {at.left + (int64_t)scale * column, at.top,
			at.left + (int64_t)scale * end, at.top + scale};
		fill(canvas, run, colour);
	}
}

void draw_text(struct canvas *canvas, int x, int y, unsigned scale, const char *text, uint8_t cy,
	uint8_t cu, uint8_t cv)
{
	struct box at = {.left = x};
	for (; *text && at.left < canvas->width; text++) {
		for (unsigned line = 0; line < FONT_HEIGHT; line++) {
			at.top = y + (int64_t)scale * line;
			draw_dots(canvas, at, scale, *text, line, (struct colour){cy, cu, cv});
		}
		at.left += (int64_t)scale * TEXT_WIDTH;
	}
}

unsigned text_width(unsigned scale, const char *text)
{
	size_t length = strlen(text);
	return length ? (unsigned)(length * TEXT_WIDTH - 1) * scale : 0;
}
