/* SPDX-License-Identifier: MIT */
#include "capture/negotiate.h"

#include "capture/image.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 29.97 reaches 30. */
#define REACHED 0.99

/* In the order of the work that a picture costs us. */
static const uint32_t formats[] = {FOURCC_MJPG, FOURCC_JPEG, FOURCC_YU12, FOURCC_NV12, FOURCC_YUYV,
	FOURCC_UYVY, FOURCC_RGB3, FOURCC_BGR3, FOURCC_GREY};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* An offer, and how far it is from the wish: smaller is better, the first difference decides. */
struct candidate {
	const struct offer *offer;
	unsigned width, height;
	struct interval interval;
	unsigned class;
	unsigned distance;
	double shortfall;
	size_t cost;
	double excess;
};

static size_t cost_of(uint32_t fourcc)
{
	size_t i = 0;

	while (i < FORMATS && formats[i] != fourcc)
		i++;
	return i;
}

bool negotiate_takes(uint32_t fourcc)
{
	return cost_of(fourcc) < FORMATS;
}

double interval_fps(struct interval interval)
{
	return interval.numerator ? (double)interval.denominator / interval.numerator : 0;
}

void fourcc_name(uint32_t fourcc, char name[static 5])
{
	for (int i = 0; i < 4; i++) {
		char c = (char)(fourcc >> 8 * i & 0xff);

		name[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	name[4] = '\0';
	for (int i = 3; i > 0 && name[i] == ' '; i--)
		name[i] = '\0';
}

static unsigned nearest(unsigned wanted, unsigned min, unsigned max, unsigned step)
{
	unsigned n;

	if (wanted <= min || max <= min)
		return min;
	if (wanted >= max)
		return max;
	if (step <= 1)
		return wanted;
	n = min + (wanted - min + step / 2) / step * step;
	return n > max ? n - step : n;
}

void negotiate_nearest(const struct offer *offer, unsigned *width, unsigned *height)
{
	*width = nearest(*width, offer->min_width, offer->max_width, offer->step_width);
	*height = nearest(*height, offer->min_height, offer->max_height, offer->step_height);
}

/* Of a range of rates the wanted one, as an interval in steps of a microsecond. */
static struct interval nearest_interval(const struct offer *offer, double fps)
{
	double fastest = interval_fps(offer->shortest), slowest = interval_fps(offer->longest);

	if (fps >= fastest)
		return offer->shortest;
	if (fps <= slowest)
		return offer->longest;
	if (fps == (unsigned)fps)
		return (struct interval){1, (unsigned)fps};
	return (struct interval){1000000, (unsigned)(fps * 1000000)};
}

static unsigned distance(unsigned a, unsigned b)
{
	return a > b ? a - b : b - a;
}

static unsigned class_of(const struct offer *offer)
{
	return offer->emulated ? 2 : offer->fourcc == FOURCC_GREY;
}

static struct candidate rate(const struct offer *offer, const struct wish *wish)
{
	struct candidate c = {.offer = offer, .width = wish->width, .height = wish->height};
	double fps;

	negotiate_nearest(offer, &c.width, &c.height);
	c.interval = nearest_interval(offer, wish->fps);
	c.class = class_of(offer);
	c.distance = distance(c.width, wish->width) + distance(c.height, wish->height);
	c.cost = cost_of(offer->fourcc);
	fps = interval_fps(c.interval);
	if (fps > 0 && fps < wish->fps * REACHED)
		c.shortfall = wish->fps - fps;
	else if (fps > wish->fps)
		c.excess = fps - wish->fps;
	return c;
}

static bool better(const struct candidate *a, const struct candidate *b)
{
	if (a->class != b->class)
		return a->class < b->class;
	if (a->distance != b->distance)
		return a->distance < b->distance;
	if (a->shortfall != b->shortfall)
		return a->shortfall < b->shortfall;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	return a->excess < b->excess;
}

static bool same_format(uint32_t offered, uint32_t wished)
{
	return offered == wished || (offered == FOURCC_JPEG && wished == FOURCC_MJPG);
}

/* fourcc 0: any that we take. */
static struct candidate find_best(
	const struct offer *offers, size_t size, const struct wish *wish, uint32_t fourcc)
{
	struct candidate best = {0};

	for (size_t i = 0; i < size; i++) {
		struct candidate c;

		if (!negotiate_takes(offers[i].fourcc) ||
			(fourcc && !same_format(offers[i].fourcc, fourcc)))
			continue;
		c = rate(&offers[i], wish);
		if (!best.offer || better(&c, &best))
			best = c;
	}
	return best;
}

__attribute__((format(printf, 2, 3))) static void say(
	struct choice *choice, const char *format, ...)
{
	size_t used = strlen(choice->why);
	va_list args;

	if (used) {
		snprintf(choice->why + used, sizeof(choice->why) - used, "; ");
		used = strlen(choice->why);
	}
	va_start(args, format);
	vsnprintf(choice->why + used, sizeof(choice->why) - used, format, args);
	va_end(args);
}

static bool offers_mjpg(const struct offer *offers, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (same_format(offers[i].fourcc, FOURCC_MJPG))
			return true;
	}
	return false;
}

static void say_why(struct choice *choice, const struct candidate *best, const struct wish *wish,
	bool wished, bool mjpg)
{
	char name[5];

	fourcc_name(wish->fourcc, name);
	if (wish->fourcc && !wished)
		say(choice, "%s is not offered or not one we can use", name);
	if (best->distance)
		say(choice, "%ux%u is not offered, this is the nearest", wish->width, wish->height);
	if (best->shortfall > 0)
		say(choice, "%.4g fps is not reached", wish->fps);
	if (wished)
		say(choice, "as asked for");
	else if (same_format(choice->fourcc, FOURCC_MJPG))
		say(choice, "needs no encoding");
	else if (mjpg)
		say(choice, "MJPG does not do as well");
	else if (!choice->emulated)
		say(choice, "the cheapest of what is offered");
	if (choice->emulated)
		say(choice, "converted by libv4l");
}

int negotiate(
	const struct offer *offers, size_t size, const struct wish *wish, struct choice *choice)
{
	struct candidate best = {0};
	bool wished;

	if (wish->fourcc)
		best = find_best(offers, size, wish, wish->fourcc);
	wished = best.offer != NULL;
	if (!wished)
		best = find_best(offers, size, wish, 0);
	if (!best.offer)
		return -1;
	*choice = (struct choice){
		.fourcc = best.offer->fourcc,
		.emulated = best.offer->emulated,
		.as_wished = wished || !wish->fourcc,
		.width = best.width,
		.height = best.height,
		.interval = best.interval,
	};
	say_why(choice, &best, wish, wished, offers_mjpg(offers, size));
	return 0;
}
