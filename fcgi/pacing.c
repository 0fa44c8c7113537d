/* SPDX-License-Identifier: MIT */
#include "fcgi/pacing.h"

#include "capture/clock.h"

#define GLANCE_NS (500 * NS_PER_MS) /* between two questions about a fast viewer */
#define SLOW_NS (5 * NS_PER_S)      /* so long a viewer stays under observation */
/*
 * A wireless link or a busy browser pauses for a tenth of a second now and then,
 * and catches up: that costs no picture.
 */
#define AHEAD_S 0.2
/* A segment or two always waits somewhere. */
#define UNSENT_MIN 16384.0

bool pacing_wants_figures(const struct pacing *pacing, int64_t now_ns)
{
	return pacing->peer.family && now_ns >= pacing->next_ns;
}

bool pacing_allows(struct pacing *pacing, const struct tcp_figures *figures, int64_t now_ns)
{
	double bound = (double)figures->bytes_per_s * AHEAD_S;
	bool slow = figures->unsent > (bound > UNSENT_MIN ? bound : UNSENT_MIN);

	if (slow)
		pacing->slow_ns = now_ns;
	if (pacing->slow_ns && now_ns - pacing->slow_ns < SLOW_NS)
		pacing->next_ns = now_ns;
	else
		pacing->next_ns = now_ns + GLANCE_NS;
	return !slow;
}

void pacing_give_up(struct pacing *pacing)
{
	pacing->peer.family = 0;
}
