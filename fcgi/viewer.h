/* SPDX-License-Identifier: MIT */
#ifndef FCGI_VIEWER_H
#define FCGI_VIEWER_H

#include "capture/rate.h"
#include "fcgi/list.h"
#include "fcgi/loop.h"
#include "fcgi/pacing.h"
#include "fcgi/parcel.h"
#include "fcgi/screen.h"
#include "fcgi/viewers.h"

/* What all viewers share. */
struct audience {
	struct loop *loop;
	struct camera *camera;
	struct tcp_queue *tcp_queue; /* NULL: the kernel does not tell */
	struct screen screen;
	struct link ring;
	unsigned count;
	struct viewers_totals totals;
};

/*
 * viewer - one who watches: a connection, what is on its way to it, and the
 * gate that lets the next picture in when its socket is empty.
 *
 * Any call may end the viewer and free it: touch it no more afterwards, and
 * take the next one of the ring before.
 */
struct viewer {
	struct link link;
	struct watch watch;
	struct audience *audience;
	uint64_t serial;
	unsigned id; /* FastCGI request */
	enum part_style style;
	uint32_t events; /* that epoll watches for */
	bool opened;     /* the opening edge was sent */
	bool no_placeholder;
	bool missing; /* the newest picture was due and could not be sent yet */
	bool ending;
	enum viewer_end why;

	struct parcel parcel;
	bool parcel_is_new; /* not a repeat */
	bool parcel_is_picture;
	int64_t captured_ns; /* of what is in the parcel */
	int64_t started_ns;  /* when the newest parcel was begun */
	uint64_t shown;      /* generation of the newest parcel; 0: none */

	int64_t interval_ns;  /* of the cap; 0: none */
	int64_t due_ns;       /* not before then */
	uint64_t frames_left; /* UINT64_MAX: no end */

	int64_t since_ns;
	uint64_t frames, skipped;
	int64_t lag_ns, max_lag_ns;
	struct rate rate;
	struct pacing pacing;
	char address[48];
};

/* The viewer of request id on fd, not yet in the ring. NULL: no memory; fd is the caller's then. */
struct viewer *viewer_create(
	struct audience *audience, int fd, unsigned id, const struct viewer_options *options);

/* Adds it to the ring and the loop, sends the head and what there is to show. Takes over fd. */
void viewer_enter(struct viewer *viewer, const struct answer *head);

/* Closes and frees it. why is what is logged and counted, unless it was ending already. */
void viewer_remove(struct viewer *viewer, enum viewer_end why);

/* Sends what is on the screen if the viewer is due and its socket is empty. */
void viewer_offer(struct viewer *viewer, int64_t now);

/* There is a new picture: the one before, if it was due and has not been sent, has been skipped. */
void viewer_note_picture(struct viewer *viewer, int64_t now);

/* Ends the stream behind the picture under way, or with the newest one once more. */
void viewer_end(struct viewer *viewer, enum viewer_end why);

/* Whether its newest part has taken longer than timeout_ns to get through. */
bool viewer_overdue(const struct viewer *viewer, int64_t now, int64_t timeout_ns);

/* Delay from capture to the last byte handed over. */
double viewer_lag_s(const struct viewer *viewer, int64_t now);

#endif
