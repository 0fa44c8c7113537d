/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_LATCH_H
#define CAPTURE_LATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * latch - the off switch that survives a restart: an empty file `released` in
 * the state directory. It exists: off. An admin may touch or remove it before a start.
 * With a NULL directory nothing is kept.
 */

/* Whether it is there, and since when (CLOCK_REALTIME). */
bool latch_read(const char *state_dir, int64_t *since_ns);

/*
 * Makes or removes it, and waits until that is on the disk. What cannot be
 * written is logged, once for each failure: the camera is off all the same,
 * but a restart would turn it on. 0, or -1.
 */
int latch_set(const char *state_dir, bool released);

#endif
