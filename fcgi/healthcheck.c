/* SPDX-License-Identifier: MIT */
#include "fcgi/healthcheck.h"

#include "fcgi/listener.h"
#include "fcgi/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static uint8_t *write_param(uint8_t *to, const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = strlen(value);

	*to++ = (uint8_t)name_size;
	*to++ = (uint8_t)value_size;
	memcpy(to, name, name_size);
	memcpy(to + name_size, value, value_size);
	return to + name_size + value_size;
}

static size_t write_request(uint8_t *to)
{
	static const uint8_t begin[8] = {0, 1}; /* a responder; close the connection afterwards */
	uint8_t params[128], *end = params;
	uint8_t *start = to;

	end = write_param(end, "REQUEST_METHOD", "GET");
	end = write_param(end, "SCRIPT_NAME", "/healthz");
	to = record_header(to, RECORD_BEGIN_REQUEST, 1, sizeof(begin));
	memcpy(to, begin, sizeof(begin));
	to = record_header(to + sizeof(begin), RECORD_PARAMS, 1, (size_t)(end - params));
	memcpy(to, params, (size_t)(end - params));
	to = record_header(to + (end - params), RECORD_PARAMS, 1, 0);
	to = record_header(to, RECORD_STDIN, 1, 0);
	return (size_t)(to - start);
}

static int complain(const char *listen, const char *what)
{
	fprintf(stderr, "webcam-fcgi: %s: %s\n", listen, what);
	return -1;
}

int healthcheck(const char *listen)
{
	static const char good[] = "Status: 200";
	const struct timeval patience = {.tv_sec = 3};
	uint8_t bytes[512];
	ssize_t n;
	int fd = listener_connect(listen);

	if (fd < 0)
		return complain(listen, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	n = send(fd, bytes, write_request(bytes), MSG_NOSIGNAL);
	if (n > 0)
		n = recv(fd, bytes, RECORD_HEADER + strlen(good), MSG_WAITALL);
	close(fd);
	if (n < (ssize_t)(RECORD_HEADER + strlen(good)))
		return complain(listen, "no answer within three seconds");
	if (memcmp(bytes + RECORD_HEADER, good, strlen(good)) != 0)
		return complain(listen, "it answered, but not 200");
	return 0;
}
