/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_node.h"

#include "capture/negotiate.h"

#include <errno.h>
#include <fcntl.h>
#include <libv4l2.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct offers {
	struct offer *list;
	size_t size, room;
};

/* libv4l2 reports each failed call on standard error; we explain it ourselves, once. */
static void silence_libv4l2(void)
{
	v4l2_log_file = fopen("/dev/null", "we");
}

int v4l2_node_open(const char *path, bool convert)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -1;
	pthread_once(&once, silence_libv4l2);
	if (v4l2_fd_open(fd, convert ? 0 : V4L2_DISABLE_CONVERSION) >= 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void v4l2_node_close(int fd)
{
	v4l2_close(fd);
}

int v4l2_node_ioctl(int fd, unsigned long request, void *arg)
{
	int rc;

	do
		rc = v4l2_ioctl(fd, request, arg);
	while (rc < 0 && errno == EINTR);
	return rc;
}

void *v4l2_node_map(int fd, size_t length, int64_t offset)
{
	void *start = v4l2_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	return start == MAP_FAILED ? NULL : start;
}

void v4l2_node_unmap(void *start, size_t length)
{
	v4l2_munmap(start, length);
}

static bool add(struct offers *offers, const struct offer *offer)
{
	if (offers->size == OFFERS_MAX)
		return false;
	if (offers->size == offers->room) {
		size_t room = offers->room ? offers->room * 2 : 64;
		struct offer *list = reallocarray(offers->list, room, sizeof(*list));

		if (!list)
			return false;
		offers->list = list;
		offers->room = room;
	}
	offers->list[offers->size++] = *offer;
	return true;
}

static struct interval interval_of(struct v4l2_fract fraction)
{
	return (struct interval){fraction.numerator, fraction.denominator};
}

static void add_rates(
	struct offers *offers, int fd, struct offer *offer, unsigned width, unsigned height)
{
	struct v4l2_frmivalenum rate = {.pixel_format = offer->fourcc};

	negotiate_nearest(offer, &width, &height);
	rate.width = width;
	rate.height = height;
	while (v4l2_node_ioctl(fd, VIDIOC_ENUM_FRAMEINTERVALS, &rate) == 0) {
		bool discrete = rate.type == V4L2_FRMIVAL_TYPE_DISCRETE;

		offer->shortest = interval_of(discrete ? rate.discrete : rate.stepwise.min);
		offer->longest = interval_of(discrete ? rate.discrete : rate.stepwise.max);
		if (!add(offers, offer) || !discrete)
			return;
		rate.index++;
	}
	if (rate.index == 0)
		add(offers, offer);
}

static void set_size(struct offer *offer, const struct v4l2_frmsizeenum *size)
{
	bool discrete = size->type == V4L2_FRMSIZE_TYPE_DISCRETE;

	offer->min_width = discrete ? size->discrete.width : size->stepwise.min_width;
	offer->max_width = discrete ? size->discrete.width : size->stepwise.max_width;
	offer->step_width = discrete ? 0 : size->stepwise.step_width;
	offer->min_height = discrete ? size->discrete.height : size->stepwise.min_height;
	offer->max_height = discrete ? size->discrete.height : size->stepwise.max_height;
	offer->step_height = discrete ? 0 : size->stepwise.step_height;
}

static void add_sizes(
	struct offers *offers, int fd, struct offer offer, unsigned width, unsigned height)
{
	struct v4l2_frmsizeenum size = {.pixel_format = offer.fourcc};

	while (offers->size < OFFERS_MAX &&
		v4l2_node_ioctl(fd, VIDIOC_ENUM_FRAMESIZES, &size) == 0) {
		set_size(&offer, &size);
		add_rates(offers, fd, &offer, width, height);
		if (size.type != V4L2_FRMSIZE_TYPE_DISCRETE)
			return;
		size.index++;
	}
	if (size.index == 0) { /* it does not say: S_FMT will tell */
		offer.min_width = offer.min_height = 1;
		offer.max_width = offer.max_height = 65500;
		add(offers, &offer);
	}
}

size_t v4l2_node_offers(int fd, unsigned width, unsigned height, struct offer **list)
{
	struct v4l2_fmtdesc format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct offers offers = {0};

	for (; v4l2_node_ioctl(fd, VIDIOC_ENUM_FMT, &format) == 0; format.index++) {
		struct offer offer = {
			.fourcc = format.pixelformat,
			.emulated = format.flags & V4L2_FMT_FLAG_EMULATED,
		};

		if (negotiate_takes(offer.fourcc))
			add_sizes(&offers, fd, offer, width, height);
	}
	*list = offers.list;
	return offers.size;
}
