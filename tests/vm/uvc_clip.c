/* SPDX-License-Identifier: MIT */
#include "tests/vm/uvc_clip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int read_file(struct uvc_clip *clip, const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	long end;

	if (!file)
		return -1;
	fseek(file, 0, SEEK_END);
	end = ftell(file);
	rewind(file);
	*size = end > 0 ? (size_t)end : 0;
	clip->data = malloc(*size + 1);
	if (!clip->data || fread(clip->data, 1, *size, file) != *size) {
		fclose(file);
		return -1;
	}
	return fclose(file);
}

static int add_frame(struct uvc_clip *clip, size_t offset, size_t size)
{
	void *frames = reallocarray(clip->frames, clip->count + 1, sizeof(*clip->frames));

	if (!frames)
		return -1;
	clip->frames = frames;
	clip->frames[clip->count].offset = offset;
	clip->frames[clip->count].size = size;
	clip->count++;
	if (size > clip->largest)
		clip->largest = size;
	return 0;
}

static bool has_marker(const uint8_t *at, uint8_t marker)
{
	return at[0] == 0xff && at[1] == marker;
}

int uvc_clip_load(struct uvc_clip *clip, const char *path)
{
	size_t size, start = 0;

	*clip = (struct uvc_clip){0};
	if (read_file(clip, path, &size) < 0)
		return -1;
	for (size_t i = 0; i + 1 < size; i++) {
		const uint8_t *at = clip->data + i;

		if (has_marker(at, 0xd8))
			start = i;
		if (!clip->width && i + 8 < size &&
			(has_marker(at, 0xc0) || has_marker(at, 0xc2))) {
			clip->height = (unsigned)at[5] << 8 | at[6];
			clip->width = (unsigned)at[7] << 8 | at[8];
		}
		if (has_marker(at, 0xd9) && add_frame(clip, start, i + 2 - start) < 0)
			return -1;
	}
	errno = EINVAL;
	return clip->count && clip->width ? 0 : -1;
}
