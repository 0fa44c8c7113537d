/* SPDX-License-Identifier: MIT */
#ifndef FCGI_HEALTHCHECK_H
#define FCGI_HEALTHCHECK_H

/*
 * Asks the worker that listens on an address ("unix:PATH", "tcp:HOST:PORT") for
 * /healthz, as a web server would. 0: it answered 200 within three seconds; -1
 * and one line on standard error.
 */
int healthcheck(const char *listen);

#endif
