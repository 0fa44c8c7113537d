/* SPDX-License-Identifier: MIT */
#include "tests/vm/uvc_camera.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* USB 2.0, chapter 9, and USB Video Class 1.0: requests. */
enum {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	GET_DESCRIPTOR = 6,
	GET_CONFIGURATION = 8,
	SET_CONFIGURATION = 9,
	GET_INTERFACE = 10,
	SET_INTERFACE = 11,
	SET_CUR = 0x01,
	GET_CUR = 0x81,
	GET_MIN = 0x82,
	GET_MAX = 0x83,
	GET_RES = 0x84,
	GET_LEN = 0x85,
	GET_INFO = 0x86,
	GET_DEF = 0x87,
};

enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3 };
enum { PROBE = 1, COMMIT = 2 };
enum { PROCESSING_UNIT = 2, BRIGHTNESS = 2, CONTRAST = 3 };

#define CLASS_REQUEST 0x60
#define INTERVALS_PER_S 10000000

/* Little-endian words of descriptors. */
#define W(x) (uint8_t)(x), (uint8_t)((x) >> 8)
#define D(x) W(x), W((uint32_t)(x) >> 16)

static void add(struct uvc_camera *camera, const uint8_t *bytes)
{
	memcpy(camera->descriptors + camera->descriptors_size, bytes, bytes[0]);
	camera->descriptors_size += bytes[0];
}
#define ADD(...) add(camera, (const uint8_t[]){__VA_ARGS__})

static void add_frame_size(struct uvc_camera *camera, unsigned index)
{
	const struct uvc_clip *clip = &camera->clips[index];
	size_t bits = clip->largest * 8;
	unsigned interval = INTERVALS_PER_S / camera->fps;

	ADD(30, 0x24, 7, (uint8_t)(index + 1), 0, W(clip->width), W(clip->height), D(bits),
		D(bits * camera->fps), D(clip->width * clip->height * 2), D(interval), 1,
		D(interval));
}

/* The figures are those of the UVC 1.0 specification, tables 3-3 to 3-20, in its order. */
static void describe(struct uvc_camera *camera)
{
	unsigned streaming_size = 14 + 11 + 30 * camera->clip_count + 6;

	camera->descriptors_size = 0;
	ADD(9, 2, 0, 0, 2, 1, 0, 0x80, 250); /* configuration; its size is set below */
	ADD(8, 11, 0, 2, 14, 3, 0, 2);       /* both interfaces are one function */
	ADD(9, 4, 0, 0, 0, 14, 1, 0, 2);     /* interface 0: control */
	ADD(13, 0x24, 1, W(0x0100), W(13 + 18 + 11 + 9), D(48000000), 1, 1);
	ADD(18, 0x24, 2, 1, W(0x0201), 0, 0, W(0), W(0), W(0), 3, 0, 0, 0); /* camera */
	ADD(11, 0x24, 5, PROCESSING_UNIT, 1, W(0), 2, 3, 0, 0);
	ADD(9, 0x24, 3, 3, W(0x0101), 0, 2, 0); /* output: the streaming interface */
	ADD(9, 4, 1, 0, 0, 14, 2, 0, 0);        /* interface 1, off */
	ADD(14, 0x24, 1, 1, W(streaming_size), 0x81, 0, 3, 0, 0, 0, 1, 0);
	ADD(11, 0x24, 6, 1, (uint8_t)camera->clip_count, 1, 1, 0, 0, 0, 0); /* MJPEG */
	for (unsigned i = 0; i < camera->clip_count; i++)
		add_frame_size(camera, i);
	ADD(6, 0x24, 13, 1, 1, 4);       /* sRGB */
	ADD(9, 4, 1, 1, 1, 14, 2, 0, 0); /* interface 1, on */
	ADD(7, 5, 0x81, 5, W(UVC_PACKET), 1);
	camera->descriptors[2] = (uint8_t)camera->descriptors_size;
	camera->descriptors[3] = (uint8_t)(camera->descriptors_size >> 8);
}

/* The one answer to any wish: that frame size at our rate. */
static void set_probe(struct uvc_camera *camera, unsigned index)
{
	uint32_t interval = INTERVALS_PER_S / camera->fps;
	const struct uvc_clip *clip;

	if (index < 1 || index > camera->clip_count)
		index = 1;
	clip = &camera->clips[index - 1];
	memcpy(camera->probe,
		(const uint8_t[UVC_PROBE_SIZE]){1, 0, 1, (uint8_t)index, D(interval), 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, D(clip->width * clip->height * 2), D(UVC_PACKET)},
		UVC_PROBE_SIZE);
}

void uvc_camera_init(struct uvc_camera *camera)
{
	camera->controls[0] = camera->controls[1] = 128;
	describe(camera);
	set_probe(camera, 1);
}

static int string_descriptor(const struct uvc_camera *camera, unsigned index, uint8_t *reply)
{
	const char *text = index == 1 ? "Lab" : index == 2 ? camera->name : "0001";
	int n = 2;

	reply[1] = STRING;
	if (index == 0) { /* the languages: US English */
		reply[2] = 9;
		reply[3] = 4;
		n = 4;
	}
	for (; index && *text && n < 250; text++, n += 2)
		reply[n] = (uint8_t)*text;
	reply[0] = (uint8_t)n;
	return n;
}

static int descriptor(const struct uvc_camera *camera, unsigned value, uint8_t *reply)
{
	static const uint8_t device[18] = {
		18, DEVICE, W(0x0200), 0xef, 2, 1, 64, W(0x1209), W(0x0001), W(0x0100), 1, 2, 3, 1};

	switch (value >> 8) {
	case DEVICE:
		memcpy(reply, device, sizeof(device));
		return sizeof(device);
	case CONFIGURATION:
		memcpy(reply, camera->descriptors, camera->descriptors_size);
		return (int)camera->descriptors_size;
	case STRING:
		return string_descriptor(camera, value & 0xff, reply);
	default:
		return -EPIPE;
	}
}

static void switch_stream(struct uvc_camera *camera, bool on)
{
	camera->streaming = on;
	camera->sending = false;
	camera->due = 0;
	fprintf(stderr, "uvc-emu: stream %s\n", on ? "on" : "off");
}

static int standard_request(
	struct uvc_camera *camera, unsigned request, unsigned value, unsigned index, uint8_t *reply)
{
	switch (request) {
	case GET_DESCRIPTOR:
		return descriptor(camera, value, reply);
	case GET_STATUS:
		return 2;
	case GET_CONFIGURATION:
		reply[0] = 1;
		return 1;
	case GET_INTERFACE:
		reply[0] = camera->streaming;
		return 1;
	case SET_INTERFACE:
		if (index == 1)
			switch_stream(camera, value);
		return 0;
	case CLEAR_FEATURE:
	case SET_FEATURE:
	case SET_CONFIGURATION:
		return 0;
	default:
		return -EPIPE;
	}
}

static int probe_request(struct uvc_camera *camera, unsigned request, unsigned selector,
	const uint8_t *out, uint8_t *reply)
{
	if (camera->stalls && request != GET_CUR) {
		camera->stalls--;
		fprintf(stderr, "uvc-emu: stalled a probe or commit\n");
		return -EPIPE;
	}
	switch (request) {
	case SET_CUR:
		set_probe(camera, out[3]);
		if (selector == COMMIT) {
			camera->clip = camera->probe[3] - 1u;
			camera->position = 0;
		}
		return 0;
	case GET_INFO:
		reply[0] = 3;
		return 1;
	case GET_LEN:
		reply[0] = UVC_PROBE_SIZE;
		return 2;
	case GET_CUR:
	case GET_MIN:
	case GET_MAX:
	case GET_RES:
	case GET_DEF:
		memcpy(reply, camera->probe, UVC_PROBE_SIZE);
		return UVC_PROBE_SIZE;
	default:
		return -EPIPE;
	}
}

static int put_word(uint8_t *reply, int value)
{
	reply[0] = (uint8_t)value;
	reply[1] = (uint8_t)(value >> 8);
	return 2;
}

static int control_request(int16_t *control, unsigned request, const uint8_t *out, uint8_t *reply)
{
	switch (request) {
	case SET_CUR:
		*control = (int16_t)(out[0] | out[1] << 8);
		return 0;
	case GET_CUR:
		return put_word(reply, *control);
	case GET_MIN:
		return put_word(reply, 0);
	case GET_MAX:
		return put_word(reply, 255);
	case GET_RES:
		return put_word(reply, 1);
	case GET_DEF:
		return put_word(reply, 128);
	case GET_LEN:
		return put_word(reply, 2);
	case GET_INFO:
		reply[0] = 3;
		return 1;
	default:
		return -EPIPE;
	}
}

int uvc_camera_request(struct uvc_camera *camera, const uint8_t setup[8], const uint8_t *out,
	uint8_t reply[UVC_REPLY_MAX])
{
	unsigned request = setup[1];
	unsigned value = setup[2] | (unsigned)setup[3] << 8;
	unsigned index = setup[4] | (unsigned)setup[5] << 8;
	unsigned selector = value >> 8;

	memset(reply, 0, UVC_REPLY_MAX);
	if ((setup[0] & CLASS_REQUEST) == 0)
		return standard_request(camera, request, value, index, reply);
	if (index == 1 && (selector == PROBE || selector == COMMIT))
		return probe_request(camera, request, selector, out, reply);
	if (index >> 8 == PROCESSING_UNIT && (selector == BRIGHTNESS || selector == CONTRAST))
		return control_request(
			&camera->controls[selector - BRIGHTNESS], request, out, reply);
	return -EPIPE;
}

static bool spend(unsigned *count)
{
	if (!*count)
		return false;
	--*count;
	return true;
}

static void begin_frame(struct uvc_camera *camera)
{
	const struct uvc_clip *clip = &camera->clips[camera->clip];
	size_t size = clip->frames[camera->position].size;

	free(camera->frame);
	camera->frame = malloc(size);
	if (!camera->frame)
		abort();
	memcpy(camera->frame, clip->data + clip->frames[camera->position].offset, size);
	camera->position = (camera->position + 1) % clip->count;
	camera->flagged = spend(&camera->errors);
	if (spend(&camera->truncations))
		size /= 2;
	if (spend(&camera->garbage)) {
		for (size_t i = 0; i < size; i++)
			camera->frame[i] = (uint8_t)(i * 2654435761u >> 13);
	}
	camera->size = spend(&camera->empties) ? 0 : size;
	camera->sent = 0;
	camera->frame_id = !camera->frame_id;
	camera->sending = true;
}

bool uvc_camera_ready(struct uvc_camera *camera, double now)
{
	if (camera->sending)
		return true;
	if (camera->paused || now < camera->due)
		return false;
	camera->due += 1.0 / camera->fps;
	if (camera->due < now)
		camera->due = now;
	begin_frame(camera);
	return true;
}

size_t uvc_camera_packet(struct uvc_camera *camera, uint8_t *packet, size_t room)
{
	size_t left = camera->size - camera->sent, size;

	if (!camera->sending || room < 2)
		return 0;
	size = left < room - 2 ? left : room - 2;
	packet[0] = 2; /* the header's size; then: end of header, error, end of frame, frame id */
	packet[1] = (uint8_t)(0x80 | (camera->flagged ? 0x40 : 0) | (size == left ? 2 : 0) |
			      camera->frame_id);
	memcpy(packet + 2, camera->frame + camera->sent, size);
	camera->sent += size;
	camera->sending = size < left;
	return size + 2;
}
