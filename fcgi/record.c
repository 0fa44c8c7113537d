/* SPDX-License-Identifier: MIT */
#include "fcgi/record.h"

#include <string.h>

size_t record_size(size_t size)
{
	return size + (size + RECORD_MAX - 1) / RECORD_MAX * RECORD_HEADER;
}

uint8_t *record_header(uint8_t *to, enum record_type type, unsigned id, size_t size)
{
	const uint8_t header[RECORD_HEADER] = {
		1, /* version */
		(uint8_t)type,
		(uint8_t)(id >> 8),
		(uint8_t)id,
		(uint8_t)(size >> 8),
		(uint8_t)size,
	};

	memcpy(to, header, sizeof(header));
	return to + sizeof(header);
}

uint8_t *record_stdout(uint8_t *to, unsigned id, const void *content, size_t size)
{
	const uint8_t *from = content;

	while (size) {
		size_t n = size < RECORD_MAX ? size : RECORD_MAX;

		to = record_header(to, RECORD_STDOUT, id, n);
		memcpy(to, from, n);
		to += n;
		from += n;
		size -= n;
	}
	return to;
}

uint8_t *record_end(uint8_t *to, unsigned id)
{
	to = record_header(to, RECORD_STDOUT, id, 0);
	to = record_header(to, RECORD_END_REQUEST, id, 8);
	memset(to, 0, 8); /* appStatus 0, FCGI_REQUEST_COMPLETE */
	return to + 8;
}
