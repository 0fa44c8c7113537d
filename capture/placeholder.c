/* SPDX-License-Identifier: MIT */
#include "capture/placeholder.h"
#include "capture/draw.h"
#include "capture/encoder.h"

#include <errno.h>
#include <string.h>

#define QUALITY 80
#define LONGEST_LINE 120 /* characters; lines are broken there at the latest */
#define LONGEST_TITLE "Camera starting"
#define CAPITAL 7 /* height of a title's letters */

/* Full-range Y, U, V. */
#define BACKGROUND 30, 134, 125
#define TITLE 235, 128, 128
#define REASON 180, 129, 127
#define CALM 120, 150, 110
#define AMBER 165, 60, 160

static const struct title {
	const char *state, *text;
	bool calm; /* nothing anybody has to see to */
} titles[] = {
	{"live", "Camera on", true},
	{"idle", "Camera asleep", true},
	{"starting", LONGEST_TITLE, true},
	{"released", "Camera off", true},
	{"no-device", "No camera", false},
	{"busy", "Camera in use", false},
	{"denied", "No permission", false},
	{"stalled", "Camera stalled", false},
	{"error", "Camera error", false},
};

/* Where everything goes. Scales are those of draw_text. */
struct layout {
	unsigned title_scale, scale;
	unsigned columns, lines; /* of the reason */
	int top;
};

static struct title find_title(const char *state)
{
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (!strcmp(titles[i].state, state))
			return titles[i];
	return (struct title){.text = state};
}

static unsigned at_least_1(unsigned n)
{
	return n ? n : 1;
}

/*
 * The length of the first line of text when it is broken at spaces. *next is where the next
 * line begins: at the text's end, behind the space, or in the middle of a word too long for a line.
 */
static size_t break_line(const char *text, size_t columns, const char **next)
{
	size_t length = strnlen(text, columns + 1);
	if (length <= columns) {
		*next = text + length;
		return length;
	}
	const char *space = memrchr(text, ' ', length);
	if (!space || space == text) {
		*next = text + columns;
		return columns;
	}
	*next = space + 1;
	return (size_t)(space - text);
}

static unsigned count_lines(const char *text, size_t columns)
{
	unsigned lines = 0;
	for (; *text; lines++)
		break_line(text, columns, &text);
	return lines;
}

/* Pixels from the top of the title to the end of the reason. */
static unsigned text_height(const struct layout *layout)
{
	unsigned gap = layout->title_scale * 8;
	return layout->title_scale * CAPITAL + gap + layout->lines * TEXT_HEIGHT * layout->scale;
}

static void lay_reason(struct layout *layout, unsigned width, const char *reason)
{
	layout->columns = at_least_1((width - width / 8) / (TEXT_WIDTH * layout->scale));
	if (layout->columns > LONGEST_LINE)
		layout->columns = LONGEST_LINE;
	layout->lines = count_lines(reason, layout->columns);
}

/*
 * Dots of 4, 8, 16 … pixels at multiples of their size fall together with the JPEG's 8x8 blocks
 * and cost next to nothing there: a third of the bytes.
 */
static unsigned cheaper(unsigned scale)
{
	unsigned power = 4;
	while (power * 2 <= scale)
		power *= 2;
	return scale < power ? at_least_1(scale) : power;
}

static int aligned(int position, unsigned scale)
{
	return scale < 4 ? position : position & ~7;
}

/* Titles are of one size, the longest fills most of the width; the reason is half as large or what
 * fits the height. */
static struct layout lay_out(unsigned width, unsigned height, const char *title, const char *reason)
{
	unsigned most = text_width(1, title), usual = text_width(1, LONGEST_TITLE);
	unsigned by_height = height / 32;
	struct layout layout = {.title_scale = (width - width / 8) / (most > usual ? most : usual)};
	if (layout.title_scale > by_height)
		layout.title_scale = by_height;
	layout.title_scale = cheaper(layout.title_scale);
	layout.scale = (layout.title_scale + 1) / 2;
	lay_reason(&layout, width, reason);
	while (layout.scale > 1 && text_height(&layout) > height - height / 8) {
		layout.scale--;
		lay_reason(&layout, width, reason);
	}
	layout.top = aligned(((int)height - (int)text_height(&layout)) / 2, layout.title_scale);
	if (layout.top < 0)
		layout.top = 0;
	return layout;
}

/* Where a line of text begins. */
static int centred(const struct canvas *canvas, unsigned scale, const char *text)
{
	unsigned width = text_width(scale, text);
	return width < canvas->width ? aligned((int)(canvas->width - width) / 2, scale) : 0;
}

static void draw_title(
	struct canvas *canvas, const struct layout *layout, const struct title *title)
{
	unsigned scale = layout->title_scale, width = text_width(scale, title->text);
	int x = centred(canvas, scale, title->text), thick = (int)at_least_1(scale / 2);
	int bar = layout->top + (int)scale * (CAPITAL + 3);
	draw_text(canvas, x, layout->top, scale, title->text, TITLE);
	if (title->calm)
		draw_rect(canvas, x, bar, (int)width, thick, CALM);
	else
		draw_rect(canvas, x, bar, (int)width, thick, AMBER);
}

static void draw_reason(struct canvas *canvas, const struct layout *layout, const char *reason)
{
	int y = layout->top + (int)layout->title_scale * (CAPITAL + 8);
	char line[LONGEST_LINE + 1];
	while (*reason && y < (int)canvas->height) {
		const char *start = reason;
		size_t length = break_line(reason, layout->columns, &reason);
		memcpy(line, start, length);
		line[length] = '\0';
		int x = centred(canvas, layout->scale, line);
		draw_text(canvas, x, y, layout->scale, line, REASON);
		y += (int)(TEXT_HEIGHT * layout->scale);
	}
}

static struct frame *encode(const struct canvas *canvas)
{
	struct encoder *encoder = encoder_create(QUALITY);
	if (!encoder)
		return NULL;
	struct image image;
	canvas_image(canvas, &image);
	struct frame *frame = encoder_encode(encoder, &image);
	int error = errno;
	encoder_destroy(encoder);
	errno = error;
	if (frame) {
		frame->seq = 0;
		frame->captured_ns = frame->wall_ns = frame->stream_ns = 0;
	}
	return frame;
}

struct frame *placeholder_render(
	unsigned width, unsigned height, const char *state, const char *reason)
{
	struct canvas *canvas = canvas_create(width, height);
	if (!canvas)
		return NULL;
	struct title title = find_title(state);
	struct layout layout = lay_out(width, height, title.text, reason ? reason : "");
	draw_rect(canvas, 0, 0, (int)width, (int)height, BACKGROUND);
	draw_title(canvas, &layout, &title);
	draw_reason(canvas, &layout, reason ? reason : "");
	struct frame *frame = encode(canvas);
	canvas_destroy(canvas);
	return frame;
}
