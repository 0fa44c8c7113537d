/* SPDX-License-Identifier: MIT */
#include "fcgi/part.h"

#include "capture/clock.h"
#include "capture/frame.h"
#include "fcgi/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 512

static const char type_line[] = "Content-Type: image/jpeg\r\n";

/* One header line, cut to PART_LINE_MAX; anything but printable ASCII becomes a space. */
static size_t write_line(char *to, const char *name, const char *value)
{
	char line[PART_LINE_MAX - 1];
	int n = snprintf(line, sizeof(line) - 1, "%s: %s", name, value);
	size_t size = (size_t)n < sizeof(line) - 2 ? (size_t)n : sizeof(line) - 2;

	for (size_t i = 0; i < size; i++)
		to[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : ' ';
	memcpy(to + size, "\r\n", 2);
	return size + 2;
}

static size_t write_headers(char *to, const struct frame *frame, const struct part_label *label)
{
	int64_t us = frame->wall_ns / 1000;
	size_t used = (size_t)snprintf(to, HEADERS_MAX,
		"%s"
		"Content-Length: %zu\r\n"
		"X-Timestamp: %" PRId64 ".%06" PRId64 "\r\n",
		type_line, frame->size, us / 1000000, us % 1000000);

	if (label && label->state) {
		used += write_line(to + used, "X-Camera-State", label->state);
		used += write_line(to + used, "X-Camera-Reason", label->reason);
	} else {
		used += (size_t)snprintf(
			to + used, HEADERS_MAX - used, "X-Frame-Seq: %" PRIu64 "\r\n", frame->seq);
	}
	memcpy(to + used, "\r\n", 2);
	return used + 2;
}

struct part *part_create(const struct frame *frame, enum part_style style, unsigned id,
	const struct part_label *label, size_t *held)
{
	char headers[HEADERS_MAX];
	size_t head = style == PART_PLAIN ? write_headers(headers, frame, label) : 0;
	size_t first = frame->size < RECORD_MAX - head ? frame->size : RECORD_MAX - head;
	size_t size = record_size(head + first) + record_size(frame->size - first);
	struct part *part = malloc(sizeof(*part) + size + PART_EDGE_MAX);
	uint8_t *to;

	if (!part)
		return NULL;
	part->refs = 1;
	part->held = held;
	part->size = size;
	*held += size;
	to = record_header(part->data, RECORD_STDOUT, id, head + first);
	memcpy(to, headers, head);
	memcpy(to + head, frame->data, first);
	to = record_stdout(to + head + first, id, frame->data + first, frame->size - first);
	part->whole = size + part_edge(to, EDGE_NEXT, style, id);
	return part;
}

struct part *part_ref(struct part *part)
{
	part->refs++;
	return part;
}

void part_unref(struct part *part)
{
	if (part && --part->refs == 0) {
		*part->held -= part->size;
		free(part);
	}
}

size_t part_edge(uint8_t to[PART_EDGE_MAX], enum part_edge edge, enum part_style style, unsigned id)
{
	char text[PART_EDGE_MAX];
	int n = snprintf(text, sizeof(text), "%s--frame%s\r\n%s%s",
		edge == EDGE_OPENING ? "" : "\r\n", edge == EDGE_CLOSING ? "--" : "",
		edge != EDGE_CLOSING && style == PART_IN_ADVANCE ? type_line : "",
		edge != EDGE_CLOSING && style == PART_IN_ADVANCE ? "\r\n" : "");
	uint8_t *end = record_stdout(to, id, text, (size_t)n);

	if (edge == EDGE_CLOSING)
		end = record_end(end, id);
	return (size_t)(end - to);
}
