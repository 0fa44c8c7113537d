/* SPDX-License-Identifier: MIT */
#ifndef FCGI_LOBBY_H
#define FCGI_LOBBY_H

#include <stdint.h>

struct loop;
struct request;

/*
 * lobby - accepts connections and holds each until its request is complete.
 *
 * At most LOBBY_SEATS wait, each at most LOBBY_WAIT_NS; a newcomer takes the
 * seat of whoever has waited longest. So a peer that is silent, stops halfway
 * or talks nonsense costs nobody anything. When descriptors run out, a reserve
 * lets it answer 503 instead of spinning.
 */
#define LOBBY_SEATS 256
#define LOBBY_WAIT_NS INT64_C(2000000000)

struct lobby;

/* Accepts from listen_fd (non-blocking; stays the caller's) and hands each request over. NULL and
 * errno. */
struct lobby *lobby_create(struct loop *loop, int listen_fd,
	void (*on_request)(void *arg, struct request *request), void *arg);

/* Closes who waits. NULL is fine. */
void lobby_destroy(struct lobby *lobby);

/* Accepts nobody any more. */
void lobby_close_door(struct lobby *lobby);

/* Ends those who have waited too long; returns when it wants to be called again. */
int64_t lobby_tick(struct lobby *lobby, int64_t now_ns);

#endif
