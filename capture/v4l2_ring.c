/* SPDX-License-Identifier: MIT */
#include "capture/v4l2_ring.h"

#include "capture/fault.h"
#include "capture/v4l2_fault.h"
#include "capture/v4l2_node.h"

#include <errno.h>

/* One lent, one being filled, and two so that a moment's delay of ours costs no picture. */
#define BUFFERS 4

static struct v4l2_buffer buffer_of(unsigned index)
{
	return (struct v4l2_buffer){
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
		.index = index,
	};
}

static int call(struct v4l2_ring *ring, unsigned long request, void *arg, const char *step,
	struct fault *fault)
{
	if (v4l2_node_ioctl(ring->fd, request, arg) == 0)
		return 0;
	if (ring->streams)
		return v4l2_fault_lost(fault, ring->path, step, errno);
	return v4l2_fault(fault, ring->path, step, errno);
}

static int request_buffers(struct v4l2_ring *ring, unsigned *count, struct fault *fault)
{
	struct v4l2_requestbuffers request = {
		.count = *count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	if (call(ring, VIDIOC_REQBUFS, &request, "REQBUFS", fault) < 0)
		return -1;
	*count = request.count;
	return 0;
}

static int map(struct v4l2_ring *ring, unsigned index, struct fault *fault)
{
	struct v4l2_buffer buffer = buffer_of(index);

	if (call(ring, VIDIOC_QUERYBUF, &buffer, "QUERYBUF", fault) < 0)
		return -1;
	ring->buffers[index].length = buffer.length;
	ring->buffers[index].start = v4l2_node_map(ring->fd, buffer.length, buffer.m.offset);
	if (!ring->buffers[index].start)
		return v4l2_fault(fault, ring->path, "mmap", errno);
	ring->mapped++;
	return 0;
}

static int queue(struct v4l2_ring *ring, unsigned index, struct fault *fault)
{
	struct v4l2_buffer buffer = buffer_of(index);

	return call(ring, VIDIOC_QBUF, &buffer, "QBUF", fault);
}

int v4l2_ring_start(struct v4l2_ring *ring, int fd, const char *path, struct fault *fault)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	unsigned count = BUFFERS;

	ring->fd = fd;
	ring->path = path;
	if (request_buffers(ring, &count, fault) < 0)
		return -1;
	if (count < 2 || count > VIDEO_MAX_FRAME)
		return fault_set(fault, CAMERA_ERROR,
			"the driver gives %u buffers where %u were asked", count, BUFFERS);
	for (unsigned i = 0; i < count; i++) {
		if (map(ring, i, fault) < 0 || queue(ring, i, fault) < 0)
			return -1;
	}
	if (call(ring, VIDIOC_STREAMON, &type, "STREAMON", fault) < 0)
		return -1;
	ring->streams = true;
	return 0;
}

/* 1, 0 if no buffer is ready, or -1 and the fault. */
static int dequeue(struct v4l2_ring *ring, struct v4l2_buffer *buffer, struct fault *fault)
{
	*buffer = buffer_of(0);
	if (v4l2_node_ioctl(ring->fd, VIDIOC_DQBUF, buffer) < 0) {
		if (errno == EAGAIN)
			return 0;
		return v4l2_fault_lost(fault, ring->path, "DQBUF", errno);
	}
	if (buffer->index < ring->mapped)
		return 1;
	return fault_set(fault, CAMERA_ERROR, "the driver returned buffer %u of %u", buffer->index,
		ring->mapped);
}

int v4l2_ring_newest(struct v4l2_ring *ring, struct v4l2_buffer *newest, struct fault *fault)
{
	/* With conversion each look costs a picture's worth of time, and the next is ready then. */
	unsigned depth = ring->converts ? 1 : ring->mapped;
	struct v4l2_buffer buffer;
	int rc;

	if (ring->lends && queue(ring, ring->lent, fault) < 0)
		return -1;
	ring->lends = false;
	rc = dequeue(ring, newest, fault);
	if (rc <= 0)
		return rc;
	for (unsigned i = 1; i < depth && !(newest->flags & V4L2_BUF_FLAG_ERROR); i++) {
		rc = dequeue(ring, &buffer, fault);
		if (rc == 0)
			break;
		if (rc < 0 || queue(ring, newest->index, fault) < 0)
			return -1;
		*newest = buffer;
	}
	ring->lends = true;
	ring->lent = newest->index;
	return 1;
}

const uint8_t *v4l2_ring_bytes(const struct v4l2_ring *ring, unsigned index, size_t *room)
{
	*room = ring->buffers[index].length;
	return ring->buffers[index].start;
}

void v4l2_ring_stop(struct v4l2_ring *ring)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_requestbuffers none = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	if (ring->streams)
		v4l2_node_ioctl(ring->fd, VIDIOC_STREAMOFF, &type);
	for (unsigned i = 0; i < ring->mapped; i++)
		v4l2_node_unmap(ring->buffers[i].start, ring->buffers[i].length);
	if (ring->mapped)
		v4l2_node_ioctl(ring->fd, VIDIOC_REQBUFS, &none);
	ring->streams = ring->lends = false;
	ring->mapped = 0;
}
