/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_ROWS_H
#define CAPTURE_ROWS_H

/*
 * rows - turns lines of a raw picture into the rows a JPEG is made of.
 *
 * Knows how the raw formats of image.h lie in memory and what JFIF wants: full-range BT.601,
 * here with 4:2:0. Pure functions on one or two lines at a time, so that rows stay in the
 * cache; plain loops that the compiler turns into vector code.
 */
#include "capture/image.h"

/* Two rows of luma and the row of each chroma they share, right-hand padding included. */
struct row_pair {
	uint8_t *y[2], *u, *v;
};

/* 0 if the picture is one of the raw formats and whole, else EINVAL or ENOTSUP. */
int rows_check(const struct image *image);

/* Is it one of the YUV formats, which rows_convert takes? */
bool rows_is_yuv(uint32_t fourcc);

/* Bytes of a luma row: the width rounded up to whole 16x16 blocks. Chroma has half of it. */
size_t rows_padded(unsigned width);

/*
 * Converts lines `line` (even) and line + 1 of a picture that rows_check likes. Beyond the
 * right and the lower border the last pixels are repeated.
 */
void rows_convert(const struct image *image, unsigned line, const struct row_pair *out);

/* Limited-range luma, or limited-range R, G, B samples, to full range. */
void rows_expand(uint8_t *dst, const uint8_t *src, size_t count);

#endif
