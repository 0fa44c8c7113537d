/* SPDX-License-Identifier: MIT */
/* A file of JPEGs, one after the other (MJPEG) or a single one, played in a loop at --fps. */
#include "capture/clock.h"
#include "capture/image.h"
#include "capture/jpeg_tidy.h"
#include "capture/source.h"
#include "capture/ticker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "file:"
#define FILE_MAX_BYTES ((off_t)512 << 20) /* the file is held in memory: it may change on disk */

struct span {
	size_t start, size;
};

struct clip {
	struct source source;
	uint8_t *data;
	size_t size;
	struct span *pictures;
	size_t count, next;
};

static bool file_takes(const char *device)
{
	return strncmp(device, PREFIX, strlen(PREFIX)) == 0;
}

static const char *path_of(const struct source_options *options)
{
	return options->device + strlen(PREFIX);
}

static void describe(struct source_info *info, const struct source_options *options)
{
	*info = (struct source_info){.driver = "file", .format = "MJPG"};
	snprintf(info->device, sizeof(info->device), "%s", options->device);
	snprintf(info->card, sizeof(info->card), "%s", path_of(options));
}

static int refuse(struct fault *fault, const struct source_options *options, int error)
{
	enum camera_state state = error == ENOENT || error == ENOTDIR ? CAMERA_NO_DEVICE
				  : error == EACCES                   ? CAMERA_DENIED
								      : CAMERA_ERROR;

	return fault_set(fault, state, "%s: %s", path_of(options), strerror(error));
}

static int no_file_error(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
}

static int file_probe(
	const struct source_options *options, struct source_info *info, struct fault *fault)
{
	struct stat st;

	describe(info, options);
	if (access(path_of(options), R_OK) < 0 || stat(path_of(options), &st) < 0)
		return refuse(fault, options, errno);
	return S_ISREG(st.st_mode) ? 0 : refuse(fault, options, no_file_error(&st));
}

static int read_all(struct clip *clip, int fd)
{
	while (true) {
		ssize_t n;

		if (clip->size == (size_t)FILE_MAX_BYTES) {
			errno = EFBIG;
			return -1;
		}
		n = read(fd, clip->data + clip->size, (size_t)FILE_MAX_BYTES - clip->size);
		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		clip->size += (size_t)n;
	}
}

/* Reserves the most a file may have and gives back what it does not need. */
static int load(struct clip *clip, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc = -1;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = no_file_error(&st);
	} else {
		clip->data = malloc((size_t)FILE_MAX_BYTES);
		rc = clip->data ? read_all(clip, fd) : -1;
	}
	close(fd);
	if (rc == 0 && clip->size) {
		uint8_t *fitted = realloc(clip->data, clip->size);

		clip->data = fitted ? fitted : clip->data;
	}
	return rc;
}

static int add_picture(struct clip *clip, size_t start, size_t size)
{
	if ((clip->count & (clip->count - 1)) == 0) { /* full at each power of two */
		size_t room = clip->count ? clip->count * 2 : 1;
		struct span *grown = realloc(clip->pictures, room * sizeof(*grown));

		if (!grown)
			return -1;
		clip->pictures = grown;
	}
	clip->pictures[clip->count++] = (struct span){start, size};
	return 0;
}

/* A damaged picture is stepped over: the next one begins at the next FF D8. */
static int find_pictures(struct clip *clip)
{
	size_t at = 0;

	while (at < clip->size) {
		struct jpeg_tidy tidy;
		const uint8_t *soi = memmem(clip->data + at, clip->size - at, "\xff\xd8", 2);

		if (!soi)
			return 0;
		at = (size_t)(soi - clip->data);
		if (jpeg_tidy(soi, clip->size - at, &tidy) != JPEG_OK) {
			at += 2;
			continue;
		}
		if (clip->count == 0) {
			clip->source.info.width = tidy.width;
			clip->source.info.height = tidy.height;
		}
		if (add_picture(clip, at + tidy.start, tidy.end - tidy.start) < 0)
			return -1;
		at += tidy.end;
	}
	return 0;
}

static void file_close(struct source *source)
{
	struct clip *clip = (struct clip *)source;

	if (source->fd >= 0)
		close(source->fd);
	free(clip->pictures);
	free(clip->data);
	free(clip);
}

static struct source *file_open(const struct source_options *options, struct fault *fault)
{
	struct clip *clip = calloc(1, sizeof(*clip));

	if (!clip) {
		refuse(fault, options, errno);
		return NULL;
	}
	clip->source.ops = &source_file;
	describe(&clip->source.info, options);
	clip->source.info.fps = options->fps;
	clip->source.fd = ticker_open(options->fps);
	if (clip->source.fd < 0 || load(clip, path_of(options)) < 0 || find_pictures(clip) < 0) {
		refuse(fault, options, errno);
	} else if (clip->count == 0) {
		fault_set(fault, CAMERA_ERROR, "%s: no JPEG picture in it; an MJPEG file is wanted",
			path_of(options));
	} else {
		return &clip->source;
	}
	file_close(&clip->source);
	return NULL;
}

static int file_next(struct source *source, struct image *image, struct fault *fault)
{
	struct clip *clip = (struct clip *)source;
	const struct span *picture = &clip->pictures[clip->next];

	(void)fault;
	if (ticker_read(source->fd) == 0)
		return 0;
	clip->next = (clip->next + 1) % clip->count;
	*image = (struct image){
		.fourcc = FOURCC_MJPG,
		.data = clip->data + picture->start,
		.size = picture->size,
		.width = source->info.width,
		.height = source->info.height,
		.captured_ns = clock_now_ns(),
	};
	return 1;
}

const struct source_ops source_file = {
	.name = "file",
	.takes = file_takes,
	.probe = file_probe,
	.open = file_open,
	.next = file_next,
	.close = file_close,
};
