/* SPDX-License-Identifier: MIT */
/*
 * write_jpegs - writes a JPEG of each format, size and range into a directory, for other
 * decoders to read: FORMAT-WIDTHxHEIGHT-RANGE-MATRIX.jpg. Beside them placeholder.jpg and
 * tidied.jpg, whose Huffman tables jpeg_tidy has put in.
 *
 *   usage: write_jpegs DIRECTORY
 */
#include "capture/encoder.h"
#include "capture/jpeg_tidy.h"
#include "capture/placeholder.h"
#include "tests/capture/pixels.h"

#include <stdio.h>
#include <string.h>

static const uint32_t formats[] = {
	FOURCC_YUYV, FOURCC_UYVY, FOURCC_NV12, FOURCC_YU12, FOURCC_GREY, FOURCC_RGB3, FOURCC_BGR3};
static const unsigned sizes[][2] = {
	{16, 16}, {17, 33}, {1, 1}, {640, 480}, {641, 479}, {1280, 720}, {4096, 2304}};

static int save(const char *directory, const char *name, const uint8_t *data, size_t size)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s.jpg", directory, name);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
		perror(path);
		return -1;
	}
	return 0;
}

static int save_encoded(struct encoder *encoder, const char *directory, struct image *image)
{
	uint8_t *data = make_picture(image, 0);
	struct frame *frame = encoder_encode(encoder, image);
	char name[64];
	int error = -1;
	snprintf(name, sizeof name, "%.4s-%ux%u-%s-%d", (const char *)&image->fourcc, image->width,
		image->height, image->full_range ? "full" : "limited", (int)image->matrix);
	if (frame)
		error = save(directory, name, frame->data, frame->size);
	frame_unref(frame);
	free(data);
	return error;
}

static int save_formats(struct encoder *encoder, const char *directory)
{
	for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
			for (int full = 0; full < 2; full++) {
				struct image image = {.fourcc = formats[f],
					.width = sizes[s][0],
					.height = sizes[s][1],
					.full_range = full};
				if (formats[f] != FOURCC_GREY)
					image.matrix = s % 2 ? IMAGE_BT709 : IMAGE_BT601;
				if (save_encoded(encoder, directory, &image))
					return -1;
			}
	return 0;
}

/* Takes the tables out of a JPEG, size bytes of it; the new size. */
static size_t drop_tables(uint8_t *data, size_t size)
{
	size_t at = 2;
	while (data[at + 1] != 0xda) {
		size_t segment = 2 + (size_t)(data[at + 2] << 8 | data[at + 3]);
		if (data[at + 1] == 0xc4) {
			memmove(data + at, data + at + segment, size - at - segment);
			size -= segment;
		} else {
			at += segment;
		}
	}
	return size;
}

static int save_others(const char *directory)
{
	struct frame *frame = placeholder_render(640, 480, "no-device", "No camera was found.");
	struct jpeg_tidy tidy;
	if (!frame || save(directory, "placeholder", frame->data, frame->size))
		return -1;
	frame->size = drop_tables(frame->data, frame->size);
	if (jpeg_tidy(frame->data, frame->size, &tidy) != JPEG_OK || !tidy.dht_at)
		return -1;
	uint8_t *out = malloc(jpeg_tidy_size(&tidy));
	jpeg_tidy_copy(out, frame->data, &tidy);
	int error = save(directory, "tidied", out, jpeg_tidy_size(&tidy));
	free(out);
	frame_unref(frame);
	return error;
}

int main(int argc, char **argv)
{
	struct encoder *encoder = encoder_create(90);
	if (argc != 2 || !encoder || save_formats(encoder, argv[1]) || save_others(argv[1]))
		return 1;
	encoder_destroy(encoder);
	return 0;
}
