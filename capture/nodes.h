/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_NODES_H
#define CAPTURE_NODES_H

/*
 * nodes - tells when a device node comes or when who may open it changes (udev
 * sets the mode after the node is there).
 *
 * A descriptor that becomes readable then. -1 and errno: no inotify left, or no
 * such directory; a new node is found by the slow poll all the same.
 */
int nodes_watch(const char *dev_dir);

/* Reads what has come, so that it is not readable until the next change. */
void nodes_acknowledge(int fd);

#endif
