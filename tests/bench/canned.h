/* SPDX-License-Identifier: MIT */
/*
 * canned - the pictures of an MJPEG file, and the multipart text around them.
 *
 * What both reference senders have in common, so that they send the worker's
 * bytes and differ in nothing but the way of sending them.
 */
#ifndef BENCH_CANNED_H
#define BENCH_CANNED_H

#include <stddef.h>
#include <stdint.h>

#define CANNED_HEAD_MAX 160

/* Goes out once, before the first part. */
extern const char canned_answer[];
/* Follows every picture. */
extern const char canned_tail[];

struct picture {
	const unsigned char *bytes;
	size_t size;
};

struct canned {
	unsigned char *file;
	struct picture *pictures;
	size_t count;
};

/* -1 with errno: the file cannot be read, or EBADMSG: no picture in it. */
int canned_load(struct canned *c, const char *path);
void canned_finish(struct canned *c);

const struct picture *canned_picture(const struct canned *c, uint64_t seq);

/* The part's head for a picture taken now; returns its length. */
size_t canned_head(char head[CANNED_HEAD_MAX], uint64_t seq, const struct picture *picture);

/* A listening unix socket at path (which must be free), or -1 with errno. */
int canned_listen(const char *path);

#endif
