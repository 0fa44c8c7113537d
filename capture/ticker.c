/* SPDX-License-Identifier: MIT */
#include "capture/ticker.h"

#include "capture/clock.h"

#include <sys/timerfd.h>
#include <unistd.h>

int ticker_open(double fps)
{
	int64_t interval_ns = (int64_t)((double)NS_PER_S / fps);
	struct itimerspec every = {
		.it_value.tv_nsec = 1,
		.it_interval = {.tv_sec = interval_ns / NS_PER_S,
			.tv_nsec = interval_ns % NS_PER_S},
	};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0)
		timerfd_settime(fd, 0, &every, NULL);
	return fd;
}

uint64_t ticker_read(int fd)
{
	uint64_t ticks = 0;

	return read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) ? ticks : 0;
}
