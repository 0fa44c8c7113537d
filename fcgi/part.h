/* SPDX-License-Identifier: MIT */
#ifndef FCGI_PART_H
#define FCGI_PART_H

#include <stddef.h>
#include <stdint.h>

struct frame;

/*
 * part - one picture as a part of multipart/x-mixed-replace, cut into FastCGI
 * records once and sent to every viewer from the same memory.
 *
 * A part begins behind its boundary, with the headers (in the same record as
 * the picture's first bytes), and ends with the picture. Behind it stands the
 * edge to the next part, a record of its own, so that the last part of a stream
 * can go out without it. Belongs to the thread of the viewers; the last
 * part_unref() frees it.
 */
enum part_style {
	PART_PLAIN,      /* headers in front of the picture, Content-Length among them */
	PART_IN_ADVANCE, /* the headers went out with the edge before: Chromium's <img> shows a
			    picture only when the next part's headers are complete */
};
#define PART_STYLES 2

struct part {
	unsigned refs;
	size_t *held; /* where the sizes of all parts alive are added up */
	size_t size;  /* of the part */
	size_t whole; /* with the edge to the next part, which stands behind it */
	uint8_t data[];
};

/* What a placeholder says of the camera in its headers; NULL members for a picture. */
struct part_label {
	const char *state;
	const char *reason;
};

/*
 * A part of frame for request id with one reference; *held grows by its size
 * until it is freed. NULL and ENOMEM.
 */
struct part *part_create(const struct frame *frame, enum part_style style, unsigned id,
	const struct part_label *label, size_t *held);
struct part *part_ref(struct part *part);
/* NULL is fine. */
void part_unref(struct part *part);

/* The short records between the parts. */
enum part_edge {
	EDGE_OPENING, /* the first boundary */
	EDGE_NEXT,    /* the boundary of the next part */
	EDGE_CLOSING, /* the last boundary, and the end of the request */
};
#define PART_EDGE_MAX 96

/* Writes an edge for request id to `to`; returns its size, at most PART_EDGE_MAX. */
size_t part_edge(
	uint8_t to[PART_EDGE_MAX], enum part_edge edge, enum part_style style, unsigned id);

/* Longest line of a part's headers with its CRLF: FFmpeg's multipart reader takes no longer ones.
 */
#define PART_LINE_MAX 128

#endif
