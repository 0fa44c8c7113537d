/* SPDX-License-Identifier: MIT */
#ifndef FCGI_PRECHECK_H
#define FCGI_PRECHECK_H

#include <stddef.h>
#include <stdint.h>

/*
 * precheck - whether the bytes of a connection are a whole request yet.
 *
 * libfcgi waits for the rest of a request that has begun; so it is shown none
 * before all of it is there. Pure; safe for any bytes.
 */
#define PRECHECK_PARAMS_MAX 32768
#define PRECHECK_BODY_MAX 8192
/* A request within the limits fits, even from a server that sends it in small records. */
#define PRECHECK_BYTES 65536

enum precheck {
	PRECHECK_WAIT,     /* so far it could become a request */
	PRECHECK_COMPLETE, /* BEGIN_REQUEST, PARAMS and STDIN, each to its end */
	PRECHECK_TOO_LONG, /* PARAMS are complete; the body is over PRECHECK_BODY_MAX */
	PRECHECK_BAD,      /* no request of a FastCGI responder, or over the limits */
};

enum precheck precheck(const uint8_t *data, size_t size);

#endif
