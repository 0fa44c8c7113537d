/* SPDX-License-Identifier: MIT */
#include "capture/nodes.h"

#include <sys/inotify.h>
#include <unistd.h>

int nodes_watch(const char *dev_dir)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, dev_dir, IN_CREATE | IN_ATTRIB | IN_MOVED_TO) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void nodes_acknowledge(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}
