/* SPDX-License-Identifier: MIT */
#include "capture/picture.h"

#include "capture/encoder.h"
#include "capture/frame.h"
#include "capture/image.h"
#include "capture/jpeg_tidy.h"

#include <errno.h>
#include <stddef.h>

/* X-Timestamp has microseconds: two pictures never show the same one. */
#define TICK_NS 1000
#define JITTER_NS (50 * NS_PER_MS)

int picture_init(struct picture_maker *maker, int quality)
{
	*maker = (struct picture_maker){.encoder = encoder_create(quality)};
	return maker->encoder ? 0 : -1;
}

void picture_finish(struct picture_maker *maker)
{
	encoder_destroy(maker->encoder);
	maker->encoder = NULL;
}

static struct frame *drop(uint64_t *counter)
{
	++*counter;
	errno = EBADMSG;
	return NULL;
}

static struct frame *copy_jpeg(struct picture_maker *maker, const struct image *image)
{
	struct jpeg_tidy tidy;
	struct frame *frame;

	switch (jpeg_tidy(image->data, image->size, &tidy)) {
	case JPEG_TRUNCATED:
		return drop(&maker->drops.truncated);
	case JPEG_NOT_JPEG:
		return drop(&maker->drops.not_jpeg);
	case JPEG_OK:
		break;
	}
	frame = frame_create(jpeg_tidy_size(&tidy));
	if (!frame)
		return NULL;
	jpeg_tidy_copy(frame->data, image->data, &tidy);
	frame->size = jpeg_tidy_size(&tidy);
	frame->width = tidy.width;
	frame->height = tidy.height;
	return frame;
}

static struct frame *encode(struct picture_maker *maker, const struct image *image)
{
	int64_t begun = clock_now_ns(), took;
	struct frame *frame = encoder_encode(maker->encoder, image);

	if (!frame)
		return errno == EINVAL ? drop(&maker->drops.truncated) : NULL;
	took = clock_now_ns() - begun;
	maker->encoded++;
	maker->encode_ns += took;
	maker->encode_ms_now = (double)took / (double)NS_PER_MS;
	return frame;
}

static int64_t increasing_wall_ns(struct picture_maker *maker, int64_t captured_ns)
{
	int64_t wall = clock_map_wall_ns(&maker->clock, captured_ns);

	if (wall < maker->last_wall_ns + TICK_NS && wall > maker->last_wall_ns - JITTER_NS)
		wall = maker->last_wall_ns + TICK_NS;
	maker->last_wall_ns = wall;
	return wall;
}

struct frame *picture_make(struct picture_maker *maker, const struct image *image)
{
	struct frame *frame;

	if (image->flagged)
		return drop(&maker->drops.flagged);
	if (image->fourcc == FOURCC_MJPG || image->fourcc == FOURCC_JPEG)
		frame = copy_jpeg(maker, image);
	else
		frame = encode(maker, image);
	if (!frame)
		return NULL;
	frame->seq = ++maker->seq;
	frame->captured_ns = image->captured_ns;
	frame->wall_ns = increasing_wall_ns(maker, image->captured_ns);
	return frame;
}
