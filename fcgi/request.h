/* SPDX-License-Identifier: MIT */
#ifndef FCGI_REQUEST_H
#define FCGI_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * request - one parsed request and the connection it came on.
 *
 * The only user of libfcgi, for parsing alone: nothing is ever written through
 * it, and it is shown only requests that are complete, so it never waits.
 */
struct request;

/*
 * Parses what precheck() called complete (or too long: then the body is not
 * read). Takes over fd; NULL if libfcgi refuses it: fd is closed.
 */
struct request *request_open(int fd, bool too_long);

/* Closes the connection. NULL is fine. */
void request_close(struct request *request);

/* Frees the request and gives back its connection. */
int request_detach(struct request *request);

int request_fd(const struct request *request);
unsigned request_id(const struct request *request);
int64_t request_arrived_ns(const struct request *request); /* CLOCK_MONOTONIC */
bool request_too_long(const struct request *request);

/* A CGI variable such as "HTTP_HOST", or NULL. Borrowed until the request ends. */
const char *request_param(const struct request *request, const char *name);

/* Whether that is its REQUEST_METHOD. */
bool request_has_method(const struct request *request, const char *method);

/* The last component of the path, "" for a path that ends in '/'. Never NULL. */
const char *request_component(const struct request *request);

/* The body, '\0' behind it; "" if it is too long. */
const char *request_body(const struct request *request);

#endif
