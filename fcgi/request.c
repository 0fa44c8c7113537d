/* SPDX-License-Identifier: MIT */
#include "fcgi/request.h"

#include "capture/clock.h"
#include "fcgi/precheck.h"

#include <fcgiapp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	FCGX_Request fcgx;
	int64_t arrived_ns;
	bool too_long;
	char body[PRECHECK_BODY_MAX + 1];
};

/*
 * libfcgi has no call for a connection that somebody else accepted; these
 * members do it (measured on 2.4.2): with a descriptor set it does not accept,
 * and detached with keepConnection it neither closes it nor waits for the peer.
 */
static int parse(FCGX_Request *fcgx, int fd)
{
	FCGX_InitRequest(fcgx, -1, 0);
	fcgx->ipcFd = fd;
	fcgx->keepConnection = 1;
	fcgx->detached = 1;
	return FCGX_Accept_r(fcgx);
}

struct request *request_open(int fd, bool too_long)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request) {
		close(fd);
		return NULL;
	}
	request->arrived_ns = clock_now_ns();
	request->too_long = too_long;
	if (parse(&request->fcgx, fd) < 0) { /* which has closed fd and forgotten it */
		request_close(request);
		return NULL;
	}
	if (!too_long)
		FCGX_GetStr(request->body, PRECHECK_BODY_MAX, request->fcgx.in);
	return request;
}

void request_close(struct request *request)
{
	int fd = request ? request_detach(request) : -1;

	if (fd >= 0)
		close(fd);
}

int request_detach(struct request *request)
{
	int fd = request->fcgx.ipcFd;

	FCGX_Free(&request->fcgx, 0);
	free(request);
	return fd;
}

int request_fd(const struct request *request)
{
	return request->fcgx.ipcFd;
}

unsigned request_id(const struct request *request)
{
	return (unsigned)request->fcgx.requestId;
}

int64_t request_arrived_ns(const struct request *request)
{
	return request->arrived_ns;
}

bool request_too_long(const struct request *request)
{
	return request->too_long;
}

const char *request_param(const struct request *request, const char *name)
{
	return FCGX_GetParam(name, request->fcgx.envp);
}

bool request_has_method(const struct request *request, const char *method)
{
	const char *given = request_param(request, "REQUEST_METHOD");

	return given && strcmp(given, method) == 0;
}

const char *request_component(const struct request *request)
{
	const char *path = request_param(request, "PATH_INFO");
	const char *slash;

	if (!path || !*path)
		path = request_param(request, "SCRIPT_NAME");
	if (!path)
		return "";
	slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

const char *request_body(const struct request *request)
{
	return request->body;
}
