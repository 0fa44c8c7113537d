/* SPDX-License-Identifier: MIT */
#include "capture/encoder.h"
#include "capture/rows.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#define BLOCK_LINES 16 /* lines of one row of 4:2:0 blocks */

struct encoder {
	struct jpeg_compress_struct jpeg; /* first: the callbacks find the encoder by it */
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr destination;
	jmp_buf escape; /* where on_error and on_full leave libjpeg */
	int error;      /* why */
	int quality;
	struct frame *frame; /* the one being filled */
	size_t capacity;     /* of that frame's data */
	size_t expected;     /* capacity to begin the next frame with */
	uint8_t *rows;       /* one row of blocks: luma, then u, then v */
	size_t rows_size;
};

static noreturn void escape(struct encoder *encoder, int error)
{
	encoder->error = error;
	longjmp(encoder->escape, 1);
}

/* libjpeg's own would print and exit. */
static void on_error(j_common_ptr jpeg)
{
	escape((struct encoder *)jpeg, jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? ENOMEM : EINVAL);
}

static void on_message(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void on_warning(j_common_ptr jpeg, int level)
{
	(void)jpeg;
	(void)level;
}

static void write_into(struct encoder *encoder, struct frame *frame, size_t capacity, size_t used)
{
	encoder->frame = frame;
	encoder->capacity = capacity;
	encoder->destination.next_output_byte = frame->data + used;
	encoder->destination.free_in_buffer = capacity - used;
}

static void on_start(j_compress_ptr jpeg)
{
	(void)jpeg;
}

static boolean on_full(j_compress_ptr jpeg)
{
	struct encoder *encoder = (struct encoder *)jpeg;
	size_t used = encoder->capacity;
	struct frame *larger = frame_create(2 * used);
	if (!larger)
		escape(encoder, ENOMEM);
	memcpy(larger->data, encoder->frame->data, used);
	frame_unref(encoder->frame);
	write_into(encoder, larger, 2 * used, used);
	return TRUE;
}

static void on_end(j_compress_ptr jpeg)
{
	struct encoder *encoder = (struct encoder *)jpeg;
	encoder->frame->size = encoder->capacity - encoder->destination.free_in_buffer;
}

/* 0 or -1. */
static int create_compressor(struct encoder *encoder)
{
	if (setjmp(encoder->escape))
		return -1;
	jpeg_create_compress(&encoder->jpeg);
	encoder->jpeg.dest = &encoder->destination;
	return 0;
}

struct encoder *encoder_create(int quality)
{
	struct encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder)
		return NULL;
	encoder->quality = quality < 1 ? 1 : quality > 100 ? 100 : quality;
	encoder->jpeg.err = jpeg_std_error(&encoder->errors);
	encoder->errors.error_exit = on_error;
	encoder->errors.output_message = on_message;
	encoder->errors.emit_message = on_warning;
	encoder->destination.init_destination = on_start;
	encoder->destination.empty_output_buffer = on_full;
	encoder->destination.term_destination = on_end;
	if (create_compressor(encoder)) {
		encoder_destroy(encoder);
		errno = ENOMEM;
		return NULL;
	}
	return encoder;
}

void encoder_destroy(struct encoder *encoder)
{
	if (!encoder)
		return;
	jpeg_destroy_compress(&encoder->jpeg);
	free(encoder->rows);
	free(encoder);
}

bool encoder_takes(uint32_t fourcc)
{
	return rows_is_yuv(fourcc) || fourcc == FOURCC_GREY || fourcc == FOURCC_RGB3 ||
	       fourcc == FOURCC_BGR3;
}

static J_COLOR_SPACE colour_space(uint32_t fourcc)
{
	switch (fourcc) {
	case FOURCC_GREY:
		return JCS_GRAYSCALE;
	case FOURCC_RGB3:
		return JCS_EXT_RGB;
	case FOURCC_BGR3:
		return JCS_EXT_BGR;
	default:
		return JCS_YCbCr;
	}
}

static void configure(struct encoder *encoder, const struct image *image)
{
	struct jpeg_compress_struct *jpeg = &encoder->jpeg;
	jpeg->image_width = image->width;
	jpeg->image_height = image->height;
	jpeg->in_color_space = colour_space(image->fourcc);
	jpeg->input_components = image->fourcc == FOURCC_GREY ? 1 : 3;
	jpeg_set_defaults(jpeg); /* 4:2:0, JDCT_ISLOW: as fast as IFAST with SIMD, and better */
	jpeg_set_quality(jpeg, encoder->quality, TRUE);
	jpeg->raw_data_in = rows_is_yuv(image->fourcc);
}

/* Points rows at the buffer for one row of blocks; missing lines repeat the last one. */
static void write_block_row(struct encoder *encoder, const struct image *image, unsigned first)
{
	size_t padded = rows_padded(image->width);
	JSAMPROW y[BLOCK_LINES], u[BLOCK_LINES / 2], v[BLOCK_LINES / 2];
	struct row_pair pair = {.u = NULL};
	for (unsigned i = 0; i < BLOCK_LINES / 2; i++) {
		if (first + 2 * i < image->height) {
			pair.y[0] = encoder->rows + 2 * i * padded;
			pair.y[1] = pair.y[0] + padded;
			pair.u = encoder->rows + BLOCK_LINES * padded + i * padded;
			pair.v = pair.u + padded / 2;
			rows_convert(image, first + 2 * i, &pair);
		} else {
			pair.y[0] = pair.y[1];
		}
		y[2 * i] = pair.y[0];
		y[2 * i + 1] = pair.y[1];
		u[i] = pair.u;
		v[i] = pair.v;
	}
	JSAMPARRAY planes[3] = {y, u, v};
	jpeg_write_raw_data(&encoder->jpeg, planes, BLOCK_LINES);
}

/* RGB and GREY: libjpeg's own vector code converts and subsamples. */
static void write_line(struct encoder *encoder, const struct image *image, unsigned line)
{
	const uint8_t *src = image->data + (size_t)image->stride * line;
	JSAMPROW row = (JSAMPROW)src;
	if (!image->full_range) {
		row = encoder->rows;
		rows_expand(row, src, (size_t)image->width * encoder->jpeg.input_components);
	}
	jpeg_write_scanlines(&encoder->jpeg, &row, 1);
}

/* 0, or -1 and encoder->error. */
static int compress(struct encoder *encoder, const struct image *image)
{
	if (setjmp(encoder->escape)) {
		jpeg_abort_compress(&encoder->jpeg);
		return -1;
	}
	configure(encoder, image);
	jpeg_start_compress(&encoder->jpeg, TRUE);
	if (encoder->jpeg.raw_data_in) {
		for (unsigned line = 0; line < image->height; line += BLOCK_LINES)
			write_block_row(encoder, image, line);
	} else {
		for (unsigned line = 0; line < image->height; line++)
			write_line(encoder, image, line);
	}
	jpeg_finish_compress(&encoder->jpeg);
	return 0;
}

/* Room for a row of blocks, which serves for a line of RGB too, and for the JPEG. 0 or -1. */
static int make_room(struct encoder *encoder, const struct image *image)
{
	size_t size = BLOCK_LINES * rows_padded(image->width) * 3 / 2;
	if (size > encoder->rows_size) {
		uint8_t *rows = realloc(encoder->rows, size);
		if (!rows)
			return -1;
		encoder->rows = rows;
		encoder->rows_size = size;
	}
	size_t capacity = encoder->expected;
	if (!capacity)
		capacity = (size_t)image->width * image->height / 4 + 4096;
	struct frame *frame = frame_create(capacity);
	if (!frame)
		return -1;
	write_into(encoder, frame, capacity, 0);
	return 0;
}

struct frame *encoder_encode(struct encoder *encoder, const struct image *image)
{
	int error = rows_check(image);
	if (!error && make_room(encoder, image))
		error = ENOMEM;
	if (error) {
		errno = error;
		return NULL;
	}
	if (compress(encoder, image)) {
		frame_unref(encoder->frame);
		errno = encoder->error;
		return NULL;
	}
	struct frame *frame = encoder->frame;
	frame->width = image->width;
	frame->height = image->height;
	encoder->expected = frame->size + frame->size / 8 + 4096;
	return frame;
}
