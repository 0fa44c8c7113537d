/* SPDX-License-Identifier: MIT */
#include "capture/device_table.h"

#include "capture/devices.h"
#include "capture/negotiate.h"
#include "capture/v4l2_node.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Where a size is a range, its rates are shown at the size nearest to this. */
#define RANGE_WIDTH 1280
#define RANGE_HEIGHT 720

static bool same_size(const struct offer *a, const struct offer *b)
{
	return a->fourcc == b->fourcc && a->emulated == b->emulated &&
	       a->min_width == b->min_width && a->max_width == b->max_width &&
	       a->min_height == b->min_height && a->max_height == b->max_height;
}

static void print_size(FILE *out, const struct offer *offer, const char *format)
{
	char size[48];

	if (offer->min_width == offer->max_width && offer->min_height == offer->max_height)
		snprintf(size, sizeof(size), "%ux%u", offer->min_width, offer->min_height);
	else
		snprintf(size, sizeof(size), "%ux%u to %ux%u", offer->min_width, offer->min_height,
			offer->max_width, offer->max_height);
	fprintf(out, "  %-7s %-22s", format, size);
}

static void print_rate(FILE *out, const struct offer *offer)
{
	double fastest = interval_fps(offer->shortest), slowest = interval_fps(offer->longest);

	if (fastest <= 0)
		fprintf(out, " ?");
	else if (fastest == slowest)
		fprintf(out, " %.4g", fastest);
	else
		fprintf(out, " %.4g to %.4g", slowest, fastest);
}

void device_table_offers(FILE *out, const struct offer *offers, size_t size)
{
	char name[5], format[8] = "";
	bool emulated = false;

	fprintf(out, "  %-7s %-22s %s\n", "format", "size", "frames a second");
	for (size_t i = 0; i < size; i++) {
		bool new_format = i == 0 || offers[i].fourcc != offers[i - 1].fourcc;

		if (i == 0 || !same_size(&offers[i], &offers[i - 1])) {
			fourcc_name(offers[i].fourcc, name);
			snprintf(format, sizeof(format), "%s%s", name,
				offers[i].emulated ? "*" : "");
			fprintf(out, "%s", i ? "\n" : "");
			print_size(out, &offers[i], new_format ? format : "");
		}
		print_rate(out, &offers[i]);
		emulated |= offers[i].emulated;
	}
	fprintf(out, "%s", size ? "\n" : "");
	if (emulated)
		fprintf(out, "  * converted by libv4l from another format\n");
}

static void print_camera(FILE *out, const struct device *device, bool chosen)
{
	const struct source_info *info = &device->info;
	struct offer *offers = NULL;
	size_t size = 0;
	int fd = v4l2_node_open(info->device, true);

	fprintf(out, "%s  %s  (%s, %s)%s\n", info->device, info->card, info->driver, info->bus,
		chosen ? "  <- auto" : "");
	if (fd < 0) {
		fprintf(out, "  cannot be opened now: %s\n", strerror(errno));
		return;
	}
	size = v4l2_node_offers(fd, RANGE_WIDTH, RANGE_HEIGHT, &offers);
	device_table_offers(out, offers, size);
	v4l2_node_close(fd);
	free(offers);
}

static void print_unfit(FILE *out, const struct device *device)
{
	fprintf(out, "%s  %s%snot used: %s\n", device->info.device, device->info.card,
		*device->info.card ? "  " : "",
		device->error ? strerror(device->error) : device->unfit);
}

size_t device_table_print(FILE *out, const char *dev_dir)
{
	size_t size, cameras = 0;
	struct device *devices = devices_scan(dev_dir, &size);
	const struct device *chosen = devices_choose(devices, size);

	for (size_t i = 0; i < size; i++) {
		if (devices[i].kind == DEVICE_UNFIT) {
			print_unfit(out, &devices[i]);
			continue;
		}
		print_camera(out, &devices[i], &devices[i] == chosen);
		cameras++;
	}
	if (size == 0)
		fprintf(out, "no camera found in %s\n", dev_dir);
	free(devices);
	return cameras;
}
