/* SPDX-License-Identifier: MIT */
#include "fcgi/answer.h"

#include "capture/clock.h"
#include "fcgi/list.h"
#include "fcgi/loop.h"
#include "fcgi/record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DELIVERY_NS (10 * NS_PER_S)
#define LINGER_NS (2 * NS_PER_S)
#define LINGER_BYTES ((size_t)4 << 20)

struct answers {
	struct loop *loop;
	struct link ring;
	unsigned pending;
};

struct delivery {
	struct link link;
	struct watch watch;
	struct answers *answers;
	int64_t deadline_ns;
	bool unread;
	size_t thrown_away;
	size_t size, sent;
	uint8_t bytes[];
};

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{200, "OK"},
	{204, "No Content"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{409, "Conflict"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{503, "Service Unavailable"},
};

static const char *phrase_of(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Status";
}

void answer_init(struct answer *answer, int status)
{
	answer->status = status;
	answer->head = false;
	answer->endless = false;
	answer->type = NULL;
	answer->body = NULL;
	answer->size = 0;
	answer->headers_used = 0;
	answer->headers[0] = '\0';
}

/* What a peer sent is quoted in answers: it must not begin a line of its own. */
static void keep_one_line(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
	}
}

void answer_header(struct answer *answer, const char *name, const char *format, ...)
{
	char value[512];
	size_t room = sizeof(answer->headers) - answer->headers_used;
	va_list args;
	int n;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	keep_one_line(value);
	n = snprintf(answer->headers + answer->headers_used, room, "%s: %s\r\n", name, value);
	if (n > 0 && (size_t)n < room)
		answer->headers_used += (size_t)n;
	answer->headers[answer->headers_used] = '\0';
}

void answer_text(struct answer *answer, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(answer->text, sizeof(answer->text) - 1, format, args);
	va_end(args);
	keep_one_line(answer->text);
	answer->size = (size_t)n < sizeof(answer->text) - 2 ? (size_t)n : sizeof(answer->text) - 2;
	answer->text[answer->size++] = '\n';
	answer->type = "text/plain; charset=utf-8";
	answer->body = answer->text;
}

struct answers *answers_create(struct loop *loop)
{
	struct answers *answers = calloc(1, sizeof(*answers));

	if (answers) {
		answers->loop = loop;
		list_init(&answers->ring);
	}
	return answers;
}

static void finish(struct delivery *delivery)
{
	loop_remove(delivery->answers->loop, &delivery->watch);
	delivery->answers->pending--;
	list_remove(&delivery->link);
	close(delivery->watch.fd);
	free(delivery);
}

void answers_destroy(struct answers *answers)
{
	if (!answers)
		return;
	while (!list_empty(&answers->ring))
		finish((struct delivery *)answers->ring.next);
	free(answers);
}

/* true: the peer has gone, or has sent more than we are willing to read. */
static bool throw_away_input(struct delivery *delivery)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(delivery->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		delivery->thrown_away += (size_t)n;
		if (delivery->thrown_away > LINGER_BYTES)
			return true;
	}
	return n == 0 || errno != EAGAIN;
}

/* true: all has gone out, or nothing more can. */
static bool push(struct delivery *delivery)
{
	while (delivery->sent < delivery->size) {
		ssize_t n = send(delivery->watch.fd, delivery->bytes + delivery->sent,
			delivery->size - delivery->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			delivery->unread = false;
			return true;
		}
		delivery->sent += (size_t)n;
	}
	return true;
}

static void linger(struct delivery *delivery)
{
	shutdown(delivery->watch.fd, SHUT_WR);
	delivery->deadline_ns = clock_now_ns() + LINGER_NS;
	loop_modify(delivery->answers->loop, &delivery->watch, EPOLLIN | EPOLLRDHUP);
}

static void proceed(struct delivery *delivery)
{
	bool gone = throw_away_input(delivery);

	if (delivery->sent < delivery->size) {
		if (!push(delivery)) {
			if (gone) /* nothing more can be read, and epoll would say so again and
				     again */
				loop_modify(delivery->answers->loop, &delivery->watch, EPOLLOUT);
			return;
		}
		if (delivery->unread && !gone) {
			linger(delivery);
			return;
		}
	}
	if (gone || !delivery->unread)
		finish(delivery);
}

static void delivery_ready(struct watch *watch, uint32_t events)
{
	struct delivery *delivery =
		(struct delivery *)((char *)watch - offsetof(struct delivery, watch));

	if (events & (EPOLLERR | EPOLLHUP))
		finish(delivery);
	else
		proceed(delivery);
}

size_t answer_head(char to[ANSWER_HEAD_MAX], const struct answer *answer)
{
	size_t used = (size_t)snprintf(to, ANSWER_HEAD_MAX,
		"Status: %d %s\r\n"
		"%s"
		"X-Content-Type-Options: nosniff\r\n",
		answer->status, phrase_of(answer->status), answer->headers);

	if (answer->type)
		used += (size_t)snprintf(
			to + used, ANSWER_HEAD_MAX - used, "Content-Type: %s\r\n", answer->type);
	if (answer->status != 204 && !answer->endless)
		used += (size_t)snprintf(
			to + used, ANSWER_HEAD_MAX - used, "Content-Length: %zu\r\n", answer->size);
	return used + (size_t)snprintf(to + used, ANSWER_HEAD_MAX - used, "\r\n");
}

static struct delivery *compose(unsigned id, const struct answer *answer)
{
	char head[ANSWER_HEAD_MAX];
	size_t head_size = answer_head(head, answer);
	size_t body_size = answer->head ? 0 : answer->size;
	size_t size = record_size(head_size) + record_size(body_size) + RECORD_END;
	struct delivery *delivery = calloc(1, sizeof(*delivery) + size);
	uint8_t *to;

	if (!delivery)
		return NULL;
	to = record_stdout(delivery->bytes, id, head, head_size);
	to = record_stdout(to, id, answer->body, body_size);
	record_end(to, id);
	delivery->size = size;
	return delivery;
}

void answers_send(
	struct answers *answers, int fd, unsigned id, const struct answer *answer, bool unread)
{
	struct delivery *delivery = compose(id, answer);

	if (!delivery) {
		close(fd);
		return;
	}
	delivery->answers = answers;
	delivery->unread = unread;
	delivery->deadline_ns = clock_now_ns() + DELIVERY_NS;
	delivery->watch = (struct watch){.ready = delivery_ready, .fd = fd};
	if (loop_add(answers->loop, &delivery->watch, EPOLLIN | EPOLLRDHUP | EPOLLOUT) < 0) {
		close(fd);
		free(delivery);
		return;
	}
	list_append(&answers->ring, &delivery->link);
	answers->pending++;
	proceed(delivery);
}

unsigned answers_pending(const struct answers *answers)
{
	return answers->pending;
}

int64_t answers_tick(struct answers *answers, int64_t now_ns)
{
	int64_t next = INT64_MAX;
	struct link *link = answers->ring.next;

	while (link != &answers->ring) {
		struct delivery *delivery = (struct delivery *)link;

		link = link->next;
		if (delivery->deadline_ns <= now_ns)
			finish(delivery);
		else if (delivery->deadline_ns < next)
			next = delivery->deadline_ns;
	}
	return next;
}
