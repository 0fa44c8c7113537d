/* SPDX-License-Identifier: MIT */
#ifndef FCGI_SERVER_H
#define FCGI_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct camera;
struct config;
struct hub;
struct pulse;
struct settings;

/* server - the epoll thread: everything that is said to the web server. */
struct server;

/* What the server needs; all of it outlives it. */
struct server_parts {
	const struct config *config;
	int listen_fd; /* stays the caller's */
	struct camera *camera;
	struct hub *hub;
	struct settings *settings;
	struct pulse *pulse; /* of the server's thread; may be NULL */
};

/* Starts to serve. NULL and errno. */
struct server *server_create(const struct server_parts *parts);

/*
 * Ends all streams with a last picture and waits for the thread, at most
 * patience_ns; who has not taken the last picture by then is cut.
 */
void server_stop(struct server *server, int64_t patience_ns);

/* After server_stop(): 0, or -1 and ETIMEDOUT: a driver still holds a request for the device. */
int server_join(struct server *server, int64_t timeout_ns);

/* After server_stop(). Without a server_join() that returned 0 waits as long as the driver takes.
 * NULL is fine. */
void server_destroy(struct server *server);

#endif
