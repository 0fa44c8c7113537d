/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FCGI_SUPPORT_H
#define TESTS_FCGI_SUPPORT_H

/* The web server's side of FastCGI: requests written, answers read, over socket pairs. */
#include "fcgi/record.h"

#include "tests/capture/support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

struct bytes {
	size_t size;
	uint8_t data[1 << 24];
};

static inline void put(struct bytes *bytes, const void *data, size_t size)
{
	assert_true(bytes->size + size <= sizeof(bytes->data));
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static inline void put_record(
	struct bytes *bytes, enum record_type type, unsigned id, const void *data, size_t size)
{
	uint8_t header[RECORD_HEADER];

	record_header(header, type, id, size);
	put(bytes, header, sizeof(header));
	put(bytes, data, size);
}

static inline void put_begin(struct bytes *bytes, unsigned id)
{
	put_record(bytes, RECORD_BEGIN_REQUEST, id, "\0\1\0\0\0\0\0", 8);
}

static inline void put_param(struct bytes *params, const char *name, const char *value)
{
	size_t size = strlen(value);
	const uint8_t lengths[] = {(uint8_t)strlen(name), (uint8_t)(size >> 24 | 0x80),
		(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};

	put(params, lengths, sizeof(lengths));
	put(params, name, strlen(name));
	put(params, value, size);
}

/* A whole request: variables as NAME, VALUE, …, NULL; a body of any size in records. */
static inline void put_request(struct bytes *bytes, unsigned id, const char *const variables[],
	const void *body, size_t size)
{
	static struct bytes params;

	params.size = 0;
	for (; *variables; variables += 2)
		put_param(&params, variables[0], variables[1]);
	put_begin(bytes, id);
	if (params.size)
		put_record(bytes, RECORD_PARAMS, id, params.data, params.size);
	put_record(bytes, RECORD_PARAMS, id, "", 0);
	for (size_t sent = 0, n; sent < size; sent += n) {
		n = size - sent < 60000 ? size - sent : 60000;
		put_record(bytes, RECORD_STDIN, id, (const char *)body + sent, n);
	}
	put_record(bytes, RECORD_STDIN, id, "", 0);
}

static inline void put_get(struct bytes *bytes, const char *path, const char *query)
{
	const char *const variables[] = {
		"REQUEST_METHOD", "GET", "SCRIPT_NAME", path, "QUERY_STRING", query, NULL};

	put_request(bytes, 1, variables, "", 0);
}

/* ours: non-blocking, as the lobby gives it. */
static inline void make_pair(int *ours, int *theirs)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*ours = fds[0];
	*theirs = fds[1];
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	fcntl(*theirs, F_SETFL, O_NONBLOCK);
}

/* What came out of one connection, as records and as the STDOUT text. */
struct reply {
	struct bytes raw;
	struct bytes text;
	unsigned records, id;
	bool ended;   /* END_REQUEST came … */
	bool closed;  /* … and the connection was closed */
	bool in_full; /* raw ends behind a whole record */
};

/* Reads what is there, up to most bytes. */
static inline size_t read_some(int fd, struct bytes *bytes, size_t most)
{
	size_t before = bytes->size;
	ssize_t n = 1;

	while (n > 0 && bytes->size - before < most) {
		size_t left = most - (bytes->size - before);
		size_t room = sizeof(bytes->data) - bytes->size;

		assert_true(room > 0);
		n = recv(fd, bytes->data + bytes->size, left < room ? left : room, MSG_DONTWAIT);
		bytes->size += n > 0 ? (size_t)n : 0;
	}
	return bytes->size - before;
}

static inline void parse_reply(struct reply *reply)
{
	size_t at = 0;

	reply->text.size = 0;
	reply->records = 0;
	reply->ended = false;
	while (at + RECORD_HEADER <= reply->raw.size) {
		const uint8_t *header = reply->raw.data + at;
		size_t size = (size_t)header[4] << 8 | header[5];
		size_t whole = RECORD_HEADER + size + header[6];

		if (at + whole > reply->raw.size)
			break;
		assert_int_equal(header[0], 1);
		assert_true(size <= RECORD_MAX);
		assert_false(reply->ended); /* nothing behind the end */
		reply->id = (unsigned)header[2] << 8 | header[3];
		reply->records++;
		reply->ended = header[1] == RECORD_END_REQUEST;
		if (!reply->ended) {
			assert_int_equal(header[1], RECORD_STDOUT);
			put(&reply->text, header + RECORD_HEADER, size);
		}
		at += whole;
	}
	reply->in_full = at == reply->raw.size;
	assert_true(reply->text.size < sizeof(reply->text.data));
	reply->text.data[reply->text.size] = '\0';
}

/* Reads what is there and takes it apart. */
static inline void read_reply(int fd, struct reply *reply)
{
	char byte;

	read_some(fd, &reply->raw, sizeof(reply->raw.data));
	reply->closed = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
	parse_reply(reply);
}

static inline const char *reply_text(const struct reply *reply)
{
	return (const char *)reply->text.data;
}

#endif
