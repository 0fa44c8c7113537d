/* SPDX-License-Identifier: MIT */
#ifndef FCGI_SERVER_H
#define FCGI_SERVER_H

#include <stdbool.h>
#include <stdint.h>

struct camera;
struct config;
struct hub;

/* server - the epoll thread: everything that is said to the web server. */
struct server;

/*
 * Starts to serve on listen_fd, which stays the caller's. The others outlive
 * the server. NULL and errno.
 */
struct server *server_create(
	const struct config *config, int listen_fd, struct camera *camera, struct hub *hub);

/*
 * Ends all streams with a last picture and waits for the thread, at most
 * patience_ns; who has not taken the last picture by then is cut.
 */
void server_stop(struct server *server, int64_t patience_ns);

/* After server_stop(). Waits for the control request that is being done. NULL is fine. */
void server_destroy(struct server *server);

#endif
