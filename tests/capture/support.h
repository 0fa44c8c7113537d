/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_SUPPORT_H
#define TESTS_CAPTURE_SUPPORT_H

/* What several test programs need: cmocka, waiting for a condition, small pictures, directories. */
#include "capture/clock.h"
#include "capture/encoder.h"
#include "capture/frame.h"
#include "capture/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Waits until the condition holds; fails after 20 seconds, far longer than any should take. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		int64_t give_up_ns = clock_now_ns() + 20 * NS_PER_S;                               \
		bool holds_now = (condition);                                                      \
		while (!holds_now && clock_now_ns() < give_up_ns) {                                \
			usleep(200);                                                               \
			holds_now = (condition);                                                   \
		}                                                                                  \
		if (!holds_now)                                                                    \
			fail_msg("%s:%d: still not: %s", __FILE__, __LINE__, #condition);          \
	} while (0)

/* A grey JPEG; unref it. */
static inline struct frame *small_jpeg(unsigned width, unsigned height)
{
	struct encoder *encoder = encoder_create(80);
	uint8_t *pixels = malloc((size_t)width * height);
	const struct image image = {.fourcc = FOURCC_GREY,
		.data = pixels,
		.size = (size_t)width * height,
		.width = width,
		.height = height,
		.stride = width,
		.full_range = true};
	struct frame *frame;

	memset(pixels, 128, (size_t)width * height);
	frame = encoder_encode(encoder, &image);
	assert_non_null(frame);
	free(pixels);
	encoder_destroy(encoder);
	return frame;
}

/* A directory of our own, its name good until the next call. */
static inline const char *make_dir(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "/tmp/webcam-test-XXXXXX");
	assert_non_null(mkdtemp(name));
	return name;
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

#endif
