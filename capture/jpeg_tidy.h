/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_JPEG_TIDY_H
#define CAPTURE_JPEG_TIDY_H

/*
 * jpeg_tidy - finds the one picture in what a camera calls a JPEG.
 *
 * One walk over the markers and the scans, without decoding. Cameras send padding or
 * garbage behind EOI (Logitech C920), no Huffman tables at all (the "AVI1" habit; Safari,
 * PIL and Go refuse those) and pictures cut short. The first two are repaired, the last
 * is reported; everything else passes bit for bit.
 *
 *  - Up to JPEG_MAX_JUNK bytes before SOI are left out.
 *  - Segments are stepped over by their length: a thumbnail inside APPn is never mistaken
 *    for the picture. Stray bytes between segments are passed on, as decoders skip them.
 *  - Any number of scans: progressive is a picture like any other. So are arithmetic coding
 *    and 12 bits: no camera is known to send them, and a decoder that can show them gets them.
 *  - Everything behind the first EOI goes. A second SOI before it: the picture was cut.
 *  - A size of zero (DNL, which browsers do not know) or a second SOF is not a picture.
 *
 * Pure functions, any bytes are safe.
 */
#include <stddef.h>
#include <stdint.h>

#define JPEG_MAX_JUNK 1024

enum jpeg_verdict {
	JPEG_OK,
	JPEG_TRUNCATED, /* begins like a picture, but has no end or no scan */
	JPEG_NOT_JPEG,
};

struct jpeg_tidy {
	size_t start, end; /* [start, end) is SOI to EOI */
	size_t dht_at;     /* where the standard Huffman tables go; 0 = none needed */
	unsigned width, height;
};

/* *out is complete only with JPEG_OK. Never reads outside data[0..size). */
enum jpeg_verdict jpeg_tidy(const uint8_t *data, size_t size, struct jpeg_tidy *out);

/* Bytes of the tidy picture. */
size_t jpeg_tidy_size(const struct jpeg_tidy *tidy);

/* Writes those bytes to dst: the only copy a camera's JPEG needs. */
void jpeg_tidy_copy(uint8_t *dst, const uint8_t *data, const struct jpeg_tidy *tidy);

#endif
