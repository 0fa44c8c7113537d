/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CAPTURE_DECODE_H
#define TESTS_CAPTURE_DECODE_H

/* libjpeg's decoder and PSNR, for the tests of what encodes. */
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* Pixels as the file has them: Y, Cb, Cr interleaved (or one grey sample); free(samples). */
struct decoded {
	unsigned width, height, components;
	uint8_t *samples;
	long warnings; /* -1: not decodable */
};

struct decode_errors {
	struct jpeg_error_mgr manager; /* first */
	jmp_buf escape;
};

static inline void decode_failed(j_common_ptr jpeg)
{
	longjmp(((struct decode_errors *)jpeg->err)->escape, 1);
}

static inline void decode_silent(j_common_ptr jpeg)
{
	(void)jpeg;
}

static inline void decode_lines(j_decompress_ptr jpeg, struct decoded *out)
{
	jpeg_read_header(jpeg, TRUE);
	jpeg->out_color_space = jpeg->jpeg_color_space;
	jpeg_start_decompress(jpeg);
	out->width = jpeg->output_width;
	out->height = jpeg->output_height;
	out->components = jpeg->output_components;
	out->samples = malloc((size_t)out->width * out->height * out->components);
	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row =
			out->samples + (size_t)jpeg->output_scanline * out->width * out->components;
		jpeg_read_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_decompress(jpeg);
	out->warnings = jpeg->err->num_warnings;
}

static inline void decode(const uint8_t *data, size_t size, struct decoded *out)
{
	struct jpeg_decompress_struct jpeg;
	struct decode_errors errors;

	*out = (struct decoded){.warnings = -1};
	jpeg.err = jpeg_std_error(&errors.manager);
	errors.manager.error_exit = decode_failed;
	errors.manager.output_message = decode_silent;
	jpeg_create_decompress(&jpeg);
	if (!setjmp(errors.escape)) {
		jpeg_mem_src(&jpeg, data, size);
		decode_lines(&jpeg, out);
	}
	jpeg_destroy_decompress(&jpeg);
}

/* Of two rows of samples; 99 if they are the same. */
static inline double psnr(const uint8_t *a, const uint8_t *b, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (a[i] - b[i]) * (a[i] - b[i]);
	return sum == 0 ? 99 : 10 * log10(255.0 * 255.0 * (double)count / sum);
}

#endif
