/* SPDX-License-Identifier: MIT */
#ifndef FCGI_LISTENER_H
#define FCGI_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * listener - the socket that the web server connects to.
 *
 * Ours (a unix path or a TCP address), or inherited from spawn-fcgi (fd 0) or
 * systemd (LISTEN_FDS). An inherited socket belongs to its parent: it is never
 * shut down or unlinked. Of ours, the path is unlinked at the end if it is
 * still the one that was bound.
 */
struct listener {
	int fd;         /* non-blocking, listening */
	char name[128]; /* "unix:/run/webcam-fcgi/webcam.sock", for the log */
	bool bound;     /* the path is ours: device and inode say which file it was */
	dev_t device;
	ino_t inode;
};

struct listener_options {
	const char *
		listen; /* "unix:PATH" or "tcp:HOST:PORT"; NULL: inherited, else the default path */
	mode_t mode;    /* of a unix socket */
	gid_t group;    /* of a unix socket; (gid_t)-1: unchanged */
};

#define LISTENER_DEFAULT "unix:/run/webcam-fcgi/webcam.sock"

/*
 * 0, or -1 with one line in error that says what is wrong and what to do: a
 * bad address, a path or port that another program listens on (it is never
 * taken from it; a socket that nobody listens on is replaced), no permission.
 */
int listener_open(struct listener *listener, const struct listener_options *options, char *error,
	size_t size);

/* For the log: the address, and of a unix socket that we bound its mode and owner. */
void listener_describe(const struct listener *listener, char *text, size_t size);

/* Closes, and unlinks what it bound. */
void listener_close(struct listener *listener);

/*
 * Connects to such an address, as a web server does. -1 and errno (EINVAL: not an address).
 */
int listener_connect(const char *listen);

#endif
