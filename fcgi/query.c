/* SPDX-License-Identifier: MIT */
#include "fcgi/query.h"

#include <stdio.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void decode(const char *from, const char *end, char *to, size_t size)
{
	size_t n = 0;

	while (from < end && n + 1 < size) {
		int high = end - from > 2 && *from == '%' ? hex(from[1]) : -1;
		int low = high >= 0 ? hex(from[2]) : -1;

		if (low >= 0) {
			to[n++] = (char)(high << 4 | low);
			from += 3;
		} else {
			to[n++] = *from == '+' ? ' ' : *from;
			from++;
		}
	}
	to[n] = '\0';
}

bool query_next(struct query *query, char *name, size_t name_size, char *value, size_t value_size)
{
	while (query->rest && *query->rest) {
		const char *start = query->rest;
		const char *end = start + strcspn(start, "&");
		const char *equals = memchr(start, '=', (size_t)(end - start));

		query->rest = *end ? end + 1 : end;
		if (!equals || equals == start || equals + 1 == end)
			continue;
		decode(start, equals, name, name_size);
		decode(equals + 1, end, value, value_size);
		return true;
	}
	return false;
}

bool query_get(const char *text, const char *name, char *value, size_t size)
{
	struct query query = {text};
	char found_name[64], found[256];
	bool found_any = false;

	while (query_next(&query, found_name, sizeof(found_name), found, sizeof(found))) {
		if (strcmp(found_name, name) == 0) {
			snprintf(value, size, "%s", found);
			found_any = true;
		}
	}
	return found_any;
}
