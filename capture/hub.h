/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_HUB_H
#define CAPTURE_HUB_H

struct frame;

/*
 * hub - holds the newest frame and wakes the one listener.
 *
 * One publisher, one listener. There is no queue: a listener that was busy
 * finds the newest frame when it comes back, and never the ones between.
 * All functions may be called from any thread.
 */
struct hub;

/* NULL and errno if there is no memory or no descriptor. */
struct hub *hub_create(void);
void hub_destroy(struct hub *hub);

/* Makes frame the newest and wakes the listener. Takes over the caller's reference. */
void hub_publish(struct hub *hub, struct frame *frame);

/* Forgets the newest frame, so that nobody is shown an old picture, and wakes the listener. */
void hub_clear(struct hub *hub);

/* Wakes the listener: something other than the picture has changed. */
void hub_wake(struct hub *hub);

/* The newest frame with a reference for the caller, or NULL. */
struct frame *hub_latest(struct hub *hub);

/* Readable while the listener has not yet called hub_acknowledge() for a wake-up. */
int hub_fd(const struct hub *hub);
void hub_acknowledge(struct hub *hub);

#endif
