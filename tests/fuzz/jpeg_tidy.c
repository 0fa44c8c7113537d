/* SPDX-License-Identifier: MIT */
/* fuzzes: capture/jpeg_tidy.c */
#include "capture/jpeg_tidy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

/* What is tidy stays as it is. */
static void check_tidied(const uint8_t *data, size_t size, const struct jpeg_tidy *first)
{
	struct jpeg_tidy again;
	require(jpeg_tidy(data, size, &again) == JPEG_OK);
	require(again.start == 0 && again.end == size && again.dht_at == 0);
	require(again.width == first->width && again.height == first->height);
	require(!memcmp(data, "\xff\xd8\xff", 3) && !memcmp(data + size - 2, "\xff\xd9", 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jpeg_tidy tidy;
	if (jpeg_tidy(data, size, &tidy) != JPEG_OK)
		return 0;
	require(tidy.start <= JPEG_MAX_JUNK && tidy.start < tidy.end && tidy.end <= size);
	require(!tidy.dht_at || (tidy.dht_at > tidy.start && tidy.dht_at < tidy.end));
	require(tidy.width && tidy.height);

	/* Of exactly the promised size: one byte too many is a finding. */
	size_t tidied = jpeg_tidy_size(&tidy);
	uint8_t *out = malloc(tidied);
	require(out != NULL);
	jpeg_tidy_copy(out, data, &tidy);
	check_tidied(out, tidied, &tidy);
	free(out);
	return 0;
}
