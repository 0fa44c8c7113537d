/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_NODE_H
#define CAPTURE_V4L2_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct offer;

/*
 * v4l2_node - a V4L2 capture device behind libv4l2.
 *
 * The only user of <libv4l2.h>, which presents single-plane MPLANE devices as
 * ordinary ones (its mplane plugin) and converts formats that we do not know.
 * Descriptors are the kernel's own: poll() them. Nothing here waits.
 */

/*
 * convert: libv4l2 may offer formats that it makes itself; without it the
 * device is used as it is. A descriptor, or -1 and errno; EINVAL if it
 * gives no pictures.
 */
int v4l2_node_open(const char *path, bool convert);
void v4l2_node_close(int fd);

/* As ioctl(2), but never EINTR. */
int v4l2_node_ioctl(int fd, unsigned long request, void *arg);

/* NULL and errno. */
void *v4l2_node_map(int fd, size_t length, int64_t offset);
void v4l2_node_unmap(void *start, size_t length);

/*
 * What the device offers of the formats that we take, sizes and rates at most
 * OFFERS_MAX in all. Where sizes are a range, its rates are those at the size
 * nearest to width x height. *offers is the caller's to free.
 */
#define OFFERS_MAX 4096
size_t v4l2_node_offers(int fd, unsigned width, unsigned height, struct offer **offers);

#endif
