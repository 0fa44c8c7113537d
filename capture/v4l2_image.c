/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_image.h"

#include "capture/clock.h"
#include "capture/image.h"

#include <linux/videodev2.h>
#include <stdbool.h>

#define OLDEST_NS (10 * NS_PER_S)

/*
 * What has no Cb and Cr is full range unless the driver says otherwise. V4L2 leaves GREY open;
 * infrared webcams and vivid send 0 to 255, and FFmpeg and GStreamer read it so.
 */
static bool is_rgb_or_grey(uint32_t fourcc)
{
	return fourcc == FOURCC_RGB3 || fourcc == FOURCC_BGR3 || fourcc == FOURCC_GREY;
}

static enum image_matrix matrix_of(const struct v4l2_pix_format *format)
{
	uint32_t encoding = format->ycbcr_enc;

	if (encoding == V4L2_YCBCR_ENC_DEFAULT)
		encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(format->colorspace);
	switch (encoding) {
	case V4L2_YCBCR_ENC_709:
	case V4L2_YCBCR_ENC_XV709:
	case V4L2_YCBCR_ENC_SMPTE240M: /* within 1 % of BT.709 */
		return IMAGE_BT709;
	case V4L2_YCBCR_ENC_BT2020:
	case V4L2_YCBCR_ENC_BT2020_CONST_LUM:
		return IMAGE_BT2020;
	default:
		return IMAGE_BT601;
	}
}

static bool is_full_range(const struct v4l2_pix_format *format)
{
	uint32_t quantization = format->quantization;

	if (quantization == V4L2_QUANTIZATION_DEFAULT)
		quantization = V4L2_MAP_QUANTIZATION_DEFAULT(
			is_rgb_or_grey(format->pixelformat), format->colorspace, format->ycbcr_enc);
	return quantization == V4L2_QUANTIZATION_FULL_RANGE;
}

/* Old drivers leave bytesperline 0 where lines follow each other without a gap. */
static unsigned stride_of(const struct v4l2_pix_format *format)
{
	if (format->bytesperline)
		return format->bytesperline;
	switch (format->pixelformat) {
	case FOURCC_YUYV:
	case FOURCC_UYVY:
		return format->width * 2;
	case FOURCC_RGB3:
	case FOURCC_BGR3:
		return format->width * 3;
	default:
		return format->width;
	}
}

void v4l2_image_format(struct image *image, const struct v4l2_pix_format *format)
{
	image->fourcc = format->pixelformat;
	image->width = format->width;
	image->height = format->height;
	image->stride = stride_of(format);
	image->full_range = is_full_range(format);
	image->matrix = matrix_of(format);
}

void v4l2_image_bytes(
	struct image *image, const struct v4l2_buffer *buffer, const uint8_t *start, size_t room)
{
	image->data = start;
	image->size = buffer->bytesused < room ? buffer->bytesused : room;
	image->flagged = buffer->flags & V4L2_BUF_FLAG_ERROR || buffer->bytesused > room;
}

int64_t v4l2_image_captured_ns(
	const struct v4l2_buffer *buffer, int64_t interval_ns, int64_t now_ns)
{
	int64_t stamp_ns = buffer->timestamp.tv_sec * NS_PER_S + buffer->timestamp.tv_usec * 1000;
	uint32_t clock = buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK;
	uint32_t moment = buffer->flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK;

	if (clock != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC || stamp_ns > now_ns ||
		stamp_ns < now_ns - OLDEST_NS)
		return now_ns - interval_ns;
	return moment == V4L2_BUF_FLAG_TSTAMP_SRC_SOE ? stamp_ns : stamp_ns - interval_ns;
}
