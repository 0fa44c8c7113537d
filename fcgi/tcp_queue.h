/* SPDX-License-Identifier: MIT */
#ifndef FCGI_TCP_QUEUE_H
#define FCGI_TCP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * tcp_queue - how much of a viewer's TCP connection the kernel has not sent yet.
 *
 * The connection is the web server's, but where that runs on the same host (and
 * in the same network namespace) the kernel tells everybody: sock_diag(7), as
 * for ss(8). What lies there unsent is what a slow viewer lags behind; nginx's
 * socket takes megabytes of it before our own shows any of it.
 */
struct tcp_queue;

/* NULL and errno if the kernel does not tell: no sock_diag, or a sandbox without AF_NETLINK. */
struct tcp_queue *tcp_queue_open(void);
/* NULL is fine. */
void tcp_queue_close(struct tcp_queue *queue);

/* A connection, by its ends as the web server names them. */
struct tcp_peer {
	uint8_t family; /* AF_INET or AF_INET6; 0: not known */
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16];
};

/* Numeric addresses and ports, any of them may be NULL. false: no TCP connection is meant. */
bool tcp_peer_parse(struct tcp_peer *peer, const char *local, const char *local_port,
	const char *remote, const char *remote_port);

struct tcp_figures {
	uint32_t unsent;      /* bytes that wait for the first time to be sent */
	uint64_t bytes_per_s; /* that the path delivered lately; 0: not known yet */
};

/* false: there is no such connection here. Never waits. */
bool tcp_queue_ask(
	struct tcp_queue *queue, const struct tcp_peer *peer, struct tcp_figures *figures);

#endif
