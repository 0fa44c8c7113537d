/* SPDX-License-Identifier: MIT */
#ifndef FCGI_VIEWERS_H
#define FCGI_VIEWERS_H

#include "fcgi/part.h"

#include <stdbool.h>
#include <stdint.h>

struct answer;
struct camera;
struct camera_status;
struct hub;
struct loop;
struct tcp_peer;

/*
 * viewers - everybody who watches the stream.
 *
 * Latest frame wins: a viewer is given the newest picture when it has a new
 * one coming and its socket is empty (the gate), so one that cannot keep up
 * misses pictures, never queues them, and slows nobody. All share the same
 * bytes. A picture is repeated after a second without a new one.
 * Belongs to the server's thread. Each viewer counts as one camera_watch().
 */
struct viewers;

struct viewers_options {
	unsigned max;           /* viewers at the same time */
	int64_t timeout_ns;     /* in which one part must be through */
	size_t max_inflight;    /* bytes of pictures that only viewers in mid-frame hold */
	unsigned width, height; /* of a placeholder before there was any picture */
};

struct viewer_options {
	enum part_style style;
	double fps;                  /* cap; 0: none */
	uint64_t frames;             /* end after so many pictures; 0: never */
	bool no_placeholder;         /* end when the picture is lost */
	const char *address;         /* of the peer, for the log; may be NULL */
	const struct tcp_peer *peer; /* its connection to the web server; may be NULL */
};

enum viewer_end { END_CLIENT, END_TIMEOUT, END_LIMIT, END_SHUTDOWN };
#define VIEWER_ENDS 4

struct viewers_totals {
	uint64_t frames, placeholders, skipped, bytes;
	uint64_t ended[VIEWER_ENDS];
};

struct viewer_figures {
	uint64_t serial;
	double fps, lag_s, seconds;
	uint64_t frames, skipped;
};

/* NULL and errno. */
struct viewers *viewers_create(const struct viewers_options *options, struct loop *loop,
	struct camera *camera, struct hub *hub);
/* Cuts all. NULL is fine. */
void viewers_destroy(struct viewers *viewers);

bool viewers_full(const struct viewers *viewers);
unsigned viewers_count(const struct viewers *viewers);

/*
 * Takes over fd, the connection of request id: sends the head of the stream and
 * the newest picture at once. The caller has called camera_watch() for it.
 */
void viewers_adopt(struct viewers *viewers, int fd, unsigned id, const struct answer *head,
	const struct viewer_options *options);

/* After each wake-up of the hub: gives out what is new, ends all if the camera was released. */
void viewers_refresh(struct viewers *viewers, const struct camera_status *status);

/* Ends all streams with a last picture, each as soon as its socket takes it. */
void viewers_end_all(struct viewers *viewers);

/* Repeats, time-outs, late ones; returns when it wants to be called again. */
int64_t viewers_tick(struct viewers *viewers, int64_t now_ns);

const struct viewers_totals *viewers_totals(const struct viewers *viewers);
/* The greatest delay, in seconds, from capture to the last byte handed over, of those watching now.
 */
double viewers_max_lag(const struct viewers *viewers);
void viewers_each(struct viewers *viewers,
	void (*each)(void *arg, const struct viewer_figures *figures), void *arg);

#endif
