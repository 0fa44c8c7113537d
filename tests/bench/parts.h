/* SPDX-License-Identifier: MIT */
/*
 * parts - reads one multipart/x-mixed-replace answer as it arrives.
 *
 * The caller receives into parts_room() and says how much with parts_fill(), or
 * throws away up to parts_skip() bytes of the socket unread: only the headers
 * and both ends of a picture are looked at, so that the load client costs little
 * beside what it measures. Not for chunked answers: ask with HTTP/1.0.
 */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTS_BUFFER 2048

struct part_info {
	size_t length;    /* Content-Length */
	double timestamp; /* X-Timestamp, wall clock seconds; 0 if absent */
	uint64_t seq;     /* X-Frame-Seq */
	bool placeholder; /* no X-Frame-Seq */
	bool good;        /* starts with FF D8, ends with FF D9 where Content-Length says */
};

struct parts {
	char buffer[PARTS_BUFFER];
	size_t used;
	size_t left; /* of the picture */
	struct part_info part;
	int status; /* HTTP status, 0 before it is known */
	enum { PARTS_ANSWER, PARTS_HEAD, PARTS_SOI, PARTS_BODY, PARTS_EOI, PARTS_END } state;
};

void parts_init(struct parts *p);

/* Bytes the caller may drop from the socket; 0: receive into the buffer instead. */
size_t parts_skip(const struct parts *p);
void parts_skipped(struct parts *p, size_t size);

/* Where to receive, never empty; parts_fill() says how many bytes came. */
char *parts_room(struct parts *p, size_t *room);
void parts_fill(struct parts *p, size_t size);

/*
 * 1 and *out for the next whole part, 0 when more bytes are needed or the stream
 * has ended, -1 with EPROTO for what is no stream (p->status says if it was an
 * HTTP error).
 */
int parts_next(struct parts *p, struct part_info *out);

#endif
