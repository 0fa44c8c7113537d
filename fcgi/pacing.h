/* SPDX-License-Identifier: MIT */
#ifndef FCGI_PACING_H
#define FCGI_PACING_H

#include "fcgi/tcp_queue.h"

/*
 * pacing - whether a slow viewer's connection is ready for another picture.
 *
 * A picture that is sent while others still wait unsent only grows old behind
 * them. But the connection must never run dry: so the next one may go when what
 * waits lasts no longer than until we look again. Pure.
 */
struct pacing {
	struct tcp_peer peer; /* family 0: nothing is known of it, and it is never held back */
	int64_t next_ns;      /* not before then is the kernel asked again */
	int64_t slow_ns;      /* when it was last found slow; 0: never */
};

/* Whether the kernel is to be asked now: seldom of a fast viewer, for each picture of a slow one.
 */
bool pacing_wants_figures(const struct pacing *pacing, int64_t now_ns);

/* What the kernel said. true: send the next picture; false: look again soon. */
bool pacing_allows(struct pacing *pacing, const struct tcp_figures *figures, int64_t now_ns);

/* The kernel does not know the connection: it is not asked again. */
void pacing_give_up(struct pacing *pacing);

#endif
