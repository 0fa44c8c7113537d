/* SPDX-License-Identifier: MIT */
#ifndef FCGI_PARCEL_H
#define FCGI_PARCEL_H

#include "fcgi/part.h"

#include <stdbool.h>

/*
 * parcel - what one viewer is being sent: the opening edge (the first time),
 * a part, and the edge behind it, in one call if the socket takes it.
 *
 * Embedded in the viewer; zero it to begin. It holds one reference to the part
 * from parcel_load() until all has gone out or parcel_drop().
 */
struct parcel {
	struct part *part;
	bool closing; /* the edge behind the part is the closing one */
	size_t lead, body, tail, sent;
	uint8_t edges[2 * PART_EDGE_MAX]; /* lead bytes, then tail bytes: of a closing edge only */
};

enum parcel_result {
	PARCEL_THROUGH, /* all has been taken by the socket */
	PARCEL_STUCK,   /* the socket is full: try again when it is writable */
	PARCEL_GONE,    /* the peer has gone */
};

/* Takes over the reference. part NULL: nothing but the end of a request that had no picture. */
void parcel_load(struct parcel *parcel, struct part *part, bool opening, bool closing,
	enum part_style style, unsigned id);

bool parcel_loaded(const struct parcel *parcel);

/* Makes the edge behind the part the closing one. false: some of it has gone out already. */
bool parcel_close(struct parcel *parcel, enum part_style style, unsigned id);

/* Sends as much as the socket takes, without waiting. Adds what it took to *bytes. */
enum parcel_result parcel_send(struct parcel *parcel, int fd, uint64_t *bytes);

void parcel_drop(struct parcel *parcel);

#endif
