/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_TICKER_H
#define CAPTURE_TICKER_H

#include <stdint.h>

/* ticker - a timerfd that paces the sources which have no hardware to pace them. */

/* A descriptor that becomes readable fps times a second, at once for the first time. -1 and errno.
 */
int ticker_open(double fps);

/* How often it has ticked since it was last asked; 0: not yet. */
uint64_t ticker_read(int fd);

#endif
