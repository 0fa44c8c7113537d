/* SPDX-License-Identifier: MIT */
#include "fcgi/parcel.h"

#include "fcgi/record.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The edge to a next part is shared with the part; a closing one is the viewer's own. */
static void set_tail(struct parcel *parcel, enum part_style style, unsigned id)
{
	uint8_t *to = parcel->edges + parcel->lead;

	parcel->body = parcel->part ? parcel->part->whole : 0;
	parcel->tail = 0;
	if (!parcel->closing)
		return;
	parcel->body = parcel->part ? parcel->part->size : 0;
	if (parcel->part)
		parcel->tail = part_edge(to, EDGE_CLOSING, style, id);
	else
		parcel->tail = (size_t)(record_end(to, id) - to);
}

void parcel_load(struct parcel *parcel, struct part *part, bool opening, bool closing,
	enum part_style style, unsigned id)
{
	parcel->part = part;
	parcel->closing = closing || !part;
	parcel->sent = 0;
	parcel->lead = opening ? part_edge(parcel->edges, EDGE_OPENING, style, id) : 0;
	set_tail(parcel, style, id);
}

bool parcel_loaded(const struct parcel *parcel)
{
	return parcel->body + parcel->tail != 0;
}

bool parcel_close(struct parcel *parcel, enum part_style style, unsigned id)
{
	if (parcel->closing)
		return true;
	if (parcel->sent > parcel->lead + parcel->part->size)
		return false;
	parcel->closing = true;
	set_tail(parcel, style, id);
	return true;
}

/* The pieces behind the first `sent` bytes. */
static size_t remaining(struct parcel *parcel, struct iovec pieces[3])
{
	struct iovec all[] = {
		{parcel->edges, parcel->lead},
		{parcel->part ? parcel->part->data : NULL, parcel->body},
		{parcel->edges + parcel->lead, parcel->tail},
	};
	size_t skip = parcel->sent, n = 0;

	for (size_t i = 0; i < 3; i++) {
		if (skip >= all[i].iov_len) {
			skip -= all[i].iov_len;
			continue;
		}
		pieces[n].iov_base = (uint8_t *)all[i].iov_base + skip;
		pieces[n++].iov_len = all[i].iov_len - skip;
		skip = 0;
	}
	return n;
}

enum parcel_result parcel_send(struct parcel *parcel, int fd, uint64_t *bytes)
{
	size_t whole = parcel->lead + parcel->body + parcel->tail;

	while (parcel->sent < whole) {
		struct iovec pieces[3];
		struct msghdr message = {.msg_iov = pieces};
		ssize_t n;

		message.msg_iovlen = remaining(parcel, pieces);
		/* Nearly always one piece: send() is half a microsecond cheaper. */
		if (message.msg_iovlen == 1)
			n = send(
				fd, pieces->iov_base, pieces->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? PARCEL_STUCK : PARCEL_GONE;
		parcel->sent += (size_t)n;
		*bytes += (uint64_t)n;
	}
	parcel_drop(parcel);
	return PARCEL_THROUGH;
}

void parcel_drop(struct parcel *parcel)
{
	part_unref(parcel->part);
	parcel->part = NULL;
	parcel->body = parcel->tail = 0;
}
