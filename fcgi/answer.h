/* SPDX-License-Identifier: MIT */
#ifndef FCGI_ANSWER_H
#define FCGI_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* answer - one reply, put together on the stack; answers_send() copies it. */
struct answer {
	int status;
	bool head;    /* to a HEAD request: the body stays away */
	bool endless; /* no Content-Length: a stream, or the length is not known */
	const char *type;
	const void *body; /* borrowed until answers_send() */
	size_t size;
	size_t headers_used;
	char headers[1024];
	char text[512]; /* the body of answer_text() */
};

/* A status and nothing else. */
void answer_init(struct answer *answer, int status);

/* Adds a header line. Line breaks in a value become spaces; what does not fit is left out whole. */
__attribute__((format(printf, 3, 4))) void answer_header(
	struct answer *answer, const char *name, const char *format, ...);

/* One line of plain text as the body. */
__attribute__((format(printf, 2, 3))) void answer_text(
	struct answer *answer, const char *format, ...);

/* Bytes that hold the head of any answer. */
#define ANSWER_HEAD_MAX 1536

/* Writes status and headers, up to and with the empty line; returns the size. */
size_t answer_head(char to[ANSWER_HEAD_MAX], const struct answer *answer);

/*
 * answers - replies on their way out.
 *
 * What the socket takes at once goes out at once; the rest follows as the peer
 * reads, for at most ten seconds. Nobody waits.
 */
struct answers;

struct answers *answers_create(struct loop *loop);
/* Cuts what is still on its way. NULL is fine. */
void answers_destroy(struct answers *answers);

/*
 * Sends the answer as request id on fd, ends the request and closes fd, which
 * it takes over. unread: the peer is still sending its request; what comes is
 * read and thrown away for a while, else the peer would see a broken connection
 * instead of the answer.
 */
void answers_send(
	struct answers *answers, int fd, unsigned id, const struct answer *answer, bool unread);

/* How many are still on their way. */
unsigned answers_pending(const struct answers *answers);

/* Ends those that are overdue; returns when it wants to be called again. */
int64_t answers_tick(struct answers *answers, int64_t now_ns);

#endif
