/* SPDX-License-Identifier: MIT */

/*
 * source_probe - drives source_v4l2 without the worker and says what happens, as JSON lines.
 *
 *   source_probe [-D DEV_DIR] list
 *   source_probe [-D DEV_DIR] probe DEVICE
 *   source_probe [-D DEV_DIR] [-r WxH] [-f FPS] [-m FOURCC] [-n PICTURES] [-t SECONDS]
 *                [-a TIMES] [-o PREFIX] stream DEVICE
 *
 * stream opens the device up to TIMES times (with a pause between, as the same
 * camera), takes PICTURES each time and writes each as PREFIX-NUMBER.jpg.
 */
#include "capture/clock.h"
#include "capture/device_table.h"
#include "capture/frame.h"
#include "capture/image.h"
#include "capture/picture.h"
#include "capture/source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUALITY 95
#define PAUSE_US 100000

struct run {
	struct source_options options;
	struct source_info known;
	struct picture_maker maker;
	unsigned pictures, attempts;
	int64_t limit_ns;
	const char *prefix;
};

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static int say_fault(const struct fault *fault)
{
	printf("{\"event\":\"fault\",\"state\":\"%s\",\"reason\":\"%s\",\"detail\":\"%s\"}\n",
		camera_state_name(fault->state), fault->reason, fault->detail);
	return 1;
}

static void say_info(const char *event, const struct source_info *info, int64_t began_ns)
{
	printf("{\"event\":\"%s\",\"device\":\"%s\",\"driver\":\"%s\",\"card\":\"%s\",\"bus\":\"%"
	       "s\","
	       "\"serial\":\"%s\",\"format\":\"%s\",\"width\":%u,\"height\":%u,\"fps\":%.3f,"
	       "\"began\":%.6f}\n",
		event, info->device, info->driver, info->card, info->bus, info->serial,
		info->format, info->width, info->height, info->fps, seconds(began_ns));
}

static void save(const struct run *run, const struct frame *frame)
{
	char path[256];
	FILE *file;

	if (!run->prefix)
		return;
	snprintf(path, sizeof(path), "%s-%llu.jpg", run->prefix, (unsigned long long)frame->seq);
	file = fopen(path, "w");
	if (!file || fwrite(frame->data, 1, frame->size, file) != frame->size || fclose(file))
		fprintf(stderr, "source_probe: %s: %s\n", path, strerror(errno));
}

static void say_picture(struct run *run, const struct image *image)
{
	struct frame *frame = picture_make(&run->maker, image);
	struct picture_drops *drops = &run->maker.drops;

	if (!frame) {
		printf("{\"event\":\"drop\",\"flagged\":%llu,\"truncated\":%llu,\"not_jpeg\":%llu,"
		       "\"error\":\"%s\"}\n",
			(unsigned long long)drops->flagged, (unsigned long long)drops->truncated,
			(unsigned long long)drops->not_jpeg,
			errno == EBADMSG ? "" : strerror(errno));
		return;
	}
	printf("{\"event\":\"picture\",\"seq\":%llu,\"time\":%.6f,\"age\":%.6f,\"bytes\":%zu,"
	       "\"stride\":%u,\"full_range\":%s,\"matrix\":%d}\n",
		(unsigned long long)frame->seq, seconds(frame->captured_ns),
		seconds(clock_now_ns() - frame->captured_ns), image->size, image->stride,
		image->full_range ? "true" : "false", (int)image->matrix);
	save(run, frame);
	frame_unref(frame);
}

/* 0: all pictures came; -1 and the fault. */
static int take_pictures(struct run *run, struct source *source, struct fault *fault)
{
	int64_t deadline_ns = clock_now_ns() + run->limit_ns;
	uint64_t end = run->maker.seq + run->pictures;

	while (run->maker.seq < end) {
		struct pollfd fd = {.fd = source->fd, .events = POLLIN | POLLPRI};
		struct image image = {0};
		int rc;

		if (clock_now_ns() > deadline_ns)
			return fault_set(fault, CAMERA_STALLED, "source_probe: no more time");
		poll(&fd, 1, 100);
		rc = source->ops->next(source, &image, fault);
		if (rc < 0)
			return -1;
		if (rc > 0)
			say_picture(run, &image);
	}
	return 0;
}

static int stream(struct run *run)
{
	int failures = 0;

	for (unsigned i = 0; i < run->attempts; i++) {
		int64_t began_ns = clock_now_ns();
		struct fault fault = {0};
		struct source *source = source_v4l2.open(&run->options, &fault);

		if (!source) {
			failures = say_fault(&fault);
			usleep(PAUSE_US);
			continue;
		}
		run->known = source->info;
		run->options.known = &run->known;
		say_info("open", &source->info, began_ns);
		failures = take_pictures(run, source, &fault) < 0 ? say_fault(&fault) : 0;
		source->ops->close(source);
		printf("{\"event\":\"close\"}\n");
	}
	return failures;
}

static int probe(const struct run *run)
{
	int64_t began_ns = clock_now_ns();
	struct source_info info = {0};
	struct fault fault;

	if (source_v4l2.probe(&run->options, &info, &fault) < 0)
		return say_fault(&fault);
	say_info("probe", &info, began_ns);
	return 0;
}

static void parse(struct run *run, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "D:r:f:m:n:t:a:o:")) != -1) {
		if (option == 'D')
			run->options.dev_dir = optarg;
		else if (option == 'r')
			sscanf(optarg, "%ux%u", &run->options.width, &run->options.height);
		else if (option == 'f')
			run->options.fps = atof(optarg);
		else if (option == 'm')
			memcpy(&run->options.fourcc, optarg, 4);
		else if (option == 'n')
			run->pictures = (unsigned)atoi(optarg);
		else if (option == 't')
			run->limit_ns = atoi(optarg) * NS_PER_S;
		else if (option == 'a')
			run->attempts = (unsigned)atoi(optarg);
		else if (option == 'o')
			run->prefix = optarg;
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct run run = {
		.options = {.dev_dir = "/dev", .width = 1280, .height = 720, .fps = 30},
		.pictures = 10,
		.attempts = 1,
		.limit_ns = 30 * NS_PER_S,
	};
	const char *verb;
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(&run, argc, argv);
	verb = optind < argc ? argv[optind] : "";
	if (strcmp(verb, "list") == 0)
		return device_table_print(stdout, run.options.dev_dir) == 0;
	run.options.device = optind + 1 < argc ? argv[optind + 1] : "auto";
	if (strcmp(verb, "probe") == 0)
		return probe(&run);
	if (picture_init(&run.maker, QUALITY) < 0)
		return 2;
	rc = stream(&run);
	picture_finish(&run.maker);
	return rc;
}
