/* SPDX-License-Identifier: MIT */
/*
 * The test pattern: colour bars, a block that moves, the number of the picture
 * and the time of day in clear text, and the number once more as a row of black
 * and white cells for programs to read.
 */
#include "capture/clock.h"
#include "capture/draw.h"
#include "capture/source.h"
#include "capture/ticker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CELLS 32 /* bits of the number, the highest first, over the whole width of the bottom */

struct pattern {
	struct source source;
	struct canvas *canvas;
	uint32_t number;
};

static const struct colour {
	uint8_t y, u, v;
} bars[] = {
	/* white, yellow, cyan, green, magenta, red, blue at 75 %: full-range BT.601 */
	{191, 128, 128},
	{169, 32, 143},
	{134, 160, 32},
	{112, 64, 48},
	{79, 192, 208},
	{57, 96, 223},
	{22, 223, 112},
};
#define BARS (sizeof(bars) / sizeof(bars[0]))

static const struct colour black = {16, 128, 128}, white = {235, 128, 128};

static void fill(struct canvas *canvas, int x, int y, int w, int h, struct colour c)
{
	draw_rect(canvas, x, y, w, h, c.y, c.u, c.v);
}

static void draw_bars(struct canvas *canvas, int y, int h)
{
	int width = (int)canvas->width;

	for (int i = 0; i < (int)BARS; i++) {
		int left = width * i / (int)BARS;

		fill(canvas, left, y, width * (i + 1) / (int)BARS - left, h, bars[i]);
	}
}

static void draw_centred(struct canvas *canvas, int y, unsigned scale, const char *text)
{
	int x = ((int)canvas->width - (int)text_width(scale, text)) / 2;

	draw_text(canvas, x, y, scale, text, white.y, white.u, white.v);
}

static void draw_number(struct canvas *canvas, uint32_t number, int y, int h)
{
	int width = (int)canvas->width;

	for (int i = 0; i < CELLS; i++) {
		int left = width * i / CELLS;
		bool set = number >> (CELLS - 1 - i) & 1;

		fill(canvas, left, y, width * (i + 1) / CELLS - left, h, set ? white : black);
	}
}

static void time_of_day(char text[16])
{
	int64_t wall = clock_wall_ns();
	time_t seconds = wall / NS_PER_S;
	struct tm tm;
	char hms[9];

	localtime_r(&seconds, &tm);
	strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
	snprintf(text, 16, "%s.%02d", hms, (int)(wall % NS_PER_S / (10 * NS_PER_MS)));
}

static void draw_picture(struct canvas *canvas, uint32_t number)
{
	int width = (int)canvas->width, height = (int)canvas->height;
	unsigned scale = canvas->width / 160 ? canvas->width / 160 : 1;
	int line = (int)(TEXT_HEIGHT * scale), box = line * 7 / 2;
	int lane = height * 5 / 8, lane_height = height / 8, block = width / 8;
	char text[32];

	fill(canvas, 0, height / 4, width, box, black);
	draw_centred(canvas, height / 4 + line / 4, scale, "TEST PATTERN");
	snprintf(text, sizeof(text), "frame %u", (unsigned)number);
	draw_centred(canvas, height / 4 + line * 5 / 4, scale, text);
	time_of_day(text);
	draw_centred(canvas, height / 4 + line * 9 / 4, scale, text);

	draw_bars(canvas, lane, lane_height);
	fill(canvas, (int)(number * 8 % (uint32_t)(width + block)) - block, lane, block,
		lane_height, white);
	draw_number(canvas, number, height - height / 12, height / 12);
}

static bool pattern_takes(const char *device)
{
	return strcmp(device, "pattern") == 0;
}

static void describe(struct source_info *info)
{
	*info = (struct source_info){
		.device = "pattern", .driver = "pattern", .card = "Test pattern", .format = "YU12"};
}

static int pattern_probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	(void)options;
	(void)fault;
	describe(info);
	return 0;
}

static void pattern_close(struct source *source)
{
	struct pattern *pattern = (struct pattern *)source;

	if (source->fd >= 0)
		close(source->fd);
	canvas_destroy(pattern->canvas);
	free(pattern);
}

static struct source *pattern_open(const struct source_options *options, struct fault *fault)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));

	if (!pattern)
		goto no_memory;
	pattern->source.ops = &source_pattern;
	describe(&pattern->source.info);
	pattern->source.info.width = options->width;
	pattern->source.info.height = options->height;
	pattern->source.info.fps = options->fps;
	pattern->source.fd = ticker_open(options->fps);
	pattern->canvas = canvas_create(options->width, options->height);
	if (pattern->source.fd < 0 || !pattern->canvas)
		goto no_memory;
	draw_bars(pattern->canvas, 0, (int)options->height);
	return &pattern->source;

no_memory:
	fault_set(fault, CAMERA_ERROR, "the test pattern cannot start: %s", strerror(errno));
	if (pattern)
		pattern_close(&pattern->source);
	return NULL;
}

static int pattern_next(struct source *source, struct image *image, struct fault *fault)
{
	struct pattern *pattern = (struct pattern *)source;

	(void)fault;
	if (ticker_read(source->fd) == 0)
		return 0;
	pattern->number++;
	canvas_image(pattern->canvas, image);
	image->captured_ns = clock_now_ns();
	draw_picture(pattern->canvas, pattern->number);
	return 1;
}

const struct source_ops source_pattern = {
	.name = "pattern",
	.takes = pattern_takes,
	.probe = pattern_probe,
	.open = pattern_open,
	.next = pattern_next,
	.close = pattern_close,
};
