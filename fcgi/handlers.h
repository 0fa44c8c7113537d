/* SPDX-License-Identifier: MIT */
#ifndef FCGI_HANDLERS_H
#define FCGI_HANDLERS_H

struct request;
struct routes;

/*
 * handlers - one for each route. Each takes over the request; its method is one
 * of the route's, and a POST may be done.
 */

/* view */
void handle_stream(struct routes *routes, struct request *request);
void handle_snapshot(struct routes *routes, struct request *request);
void handle_state(struct routes *routes, struct request *request);
void handle_shutdown(struct routes *routes, struct request *request);

/* control */
void handle_start(struct routes *routes, struct request *request);
void handle_controls(struct routes *routes, struct request *request);

/* operate */
void handle_metrics(struct routes *routes, struct request *request);
void handle_healthz(struct routes *routes, struct request *request);
void handle_readyz(struct routes *routes, struct request *request);

#endif
