/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include <stddef.h>

/* source_v4l2 comes last: it takes whatever looks like a path or a number. */
static const struct source_ops *const sources[] = {&source_pattern, &source_file, &source_v4l2};

const struct source_ops *source_for(const char *device)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i]->takes(device))
			return sources[i];
	}
	return NULL;
}
