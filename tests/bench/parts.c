/* SPDX-License-Identifier: MIT */
#include "tests/bench/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char boundary[] = "--frame\r\n";
static const char last_boundary[] = "--frame--";

void parts_init(struct parts *p)
{
	memset(p, 0, sizeof(*p));
}

size_t parts_skip(const struct parts *p)
{
	return p->state == PARTS_BODY && p->used == 0 ? p->left - 2 : 0;
}

void parts_skipped(struct parts *p, size_t size)
{
	p->left -= size;
	if (p->left == 2)
		p->state = PARTS_EOI;
}

/* One byte stays free for the NUL that lets string functions read the heads. */
char *parts_room(struct parts *p, size_t *room)
{
	*room = sizeof(p->buffer) - 1 - p->used;
	return p->buffer + p->used;
}

void parts_fill(struct parts *p, size_t size)
{
	p->used += size;
	p->buffer[p->used] = '\0';
}

static void consume(struct parts *p, size_t size)
{
	p->used -= size;
	memmove(p->buffer, p->buffer + size, p->used + 1);
}

static int malformed(void)
{
	errno = EPROTO;
	return -1;
}

/* The length of the head at the start of the buffer, 0 while it is incomplete, -1 if too long. */
static int head_length(const struct parts *p)
{
	const char *end = memmem(p->buffer, p->used, "\r\n\r\n", 4);
	if (end)
		return (int)(end + 4 - p->buffer);
	return p->used == sizeof(p->buffer) - 1 ? malformed() : 0;
}

static const char *field(const char *head, int length, const char *name)
{
	const char *at = memmem(head, length, name, strlen(name));
	return at ? at + strlen(name) : NULL;
}

static int read_answer(struct parts *p)
{
	int length = head_length(p);
	if (length <= 0)
		return length;
	if (sscanf(p->buffer, "HTTP/1.%*d %d", &p->status) != 1 || p->status != 200 ||
		!field(p->buffer, length, "multipart/x-mixed-replace"))
		return malformed();
	consume(p, length);
	p->state = PARTS_HEAD;
	return 1;
}

static int read_head(struct parts *p)
{
	if (strncmp(p->buffer, last_boundary, strlen(last_boundary)) == 0) {
		p->state = PARTS_END;
		return 0;
	}
	int length = head_length(p);
	if (length <= 0)
		return length;
	const char *size = field(p->buffer, length, "\r\nContent-Length: ");
	const char *time = field(p->buffer, length, "\r\nX-Timestamp: ");
	const char *seq = field(p->buffer, length, "\r\nX-Frame-Seq: ");
	if (strncmp(p->buffer, boundary, strlen(boundary)) != 0 || !size)
		return malformed();
	p->left = strtoul(size, NULL, 10);
	p->part = (struct part_info){.length = p->left,
		.timestamp = time ? strtod(time, NULL) : 0,
		.seq = seq ? strtoull(seq, NULL, 10) : 0,
		.placeholder = !seq};
	if (p->left < 4)
		return malformed();
	consume(p, length);
	p->state = PARTS_SOI;
	return 1;
}

static int read_start(struct parts *p)
{
	if (p->used < 2)
		return 0;
	p->part.good = memcmp(p->buffer, "\xff\xd8", 2) == 0;
	p->left -= 2;
	consume(p, 2);
	p->state = p->left == 2 ? PARTS_EOI : PARTS_BODY;
	return 1;
}

static int read_body(struct parts *p)
{
	size_t size = p->left - 2 < p->used ? p->left - 2 : p->used;
	if (size == 0)
		return 0;
	consume(p, size);
	parts_skipped(p, size);
	return 1;
}

static int read_end(struct parts *p, struct part_info *out)
{
	if (p->used < 4)
		return 0;
	if (memcmp(p->buffer, "\xff\xd9\r\n", 4) != 0)
		p->part.good = false;
	if (memcmp(p->buffer + 2, "\r\n", 2) != 0)
		return malformed();
	consume(p, 4);
	p->state = PARTS_HEAD;
	*out = p->part;
	return 1;
}

int parts_next(struct parts *p, struct part_info *out)
{
	for (;;) {
		bool whole = p->state == PARTS_EOI;
		int result = 0;
		switch (p->state) {
		case PARTS_ANSWER:
			result = read_answer(p);
			break;
		case PARTS_HEAD:
			result = read_head(p);
			break;
		case PARTS_SOI:
			result = read_start(p);
			break;
		case PARTS_BODY:
			result = read_body(p);
			break;
		case PARTS_EOI:
			result = read_end(p, out);
			break;
		case PARTS_END:
			p->used = 0;
			return 0;
		}
		if (result <= 0 || whole)
			return result;
	}
}
