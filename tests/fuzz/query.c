/* SPDX-License-Identifier: MIT */
/* fuzzes: fcgi/query.c */
#include "fcgi/query.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names and values are never empty before decoding, always ended, never longer than there is room.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct query query = {text};
	char name[16], value[32];
	size_t count = 0, ampersands = 0;

	for (const char *c = text; *c; c++)
		ampersands += *c == '&';
	while (query_next(&query, name, sizeof(name), value, sizeof(value))) {
		if (strlen(name) >= sizeof(name) || strlen(value) >= sizeof(value))
			abort();
		count++;
	}
	if (count > ampersands + 1)
		abort();
	query_get(text, "fps", value, sizeof(value));
	free(text);
	return 0;
}
