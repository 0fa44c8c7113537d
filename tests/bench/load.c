/* SPDX-License-Identifier: MIT */
/*
 * load - many viewers in one thread: do they get every picture, whole, and how late?
 *
 * Says "begin" and "end" on stdout around the measured time, while all viewers stay
 * connected, so that whoever started it can read the servers' CPU and memory; then
 * one line of JSON.
 */
#include "tests/bench/parts.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* nginx accepts in bursts; more at once would only fill its backlog. */
#define CONNECTING_MAX 64
#define EVENTS 512

struct viewer {
	int fd;
	struct parts parts;
	bool started, ended; /* has had its first picture; has lost its connection */
	uint64_t seq;
	double last; /* when the last new picture was whole */
	unsigned frames, skipped;
};

struct load {
	struct addrinfo *address;
	char request[512];
	size_t count, opened, started, ended;
	double warmup, seconds, patience;
	bool measuring;
	struct viewer *viewers;
	int epoll_fd;
	float *delays; /* seconds */
	size_t samples, room;
	unsigned long refused, repeats, disorder, bad, placeholders;
	double bytes, gap; /* gap: the longest anybody waited between two pictures */
};

static double clock_seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void viewer_open(struct load *l, struct viewer *v)
{
	const struct addrinfo *a = l->address;
	parts_init(&v->parts);
	v->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (v->fd < 0)
		err(1, "socket");
	if (connect(v->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		err(1, "connect");
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = v};
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, v->fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void viewer_end(struct load *l, struct viewer *v)
{
	l->refused += !v->started;
	l->ended++;
	v->ended = true;
	close(v->fd);
}

static void viewer_ask(struct load *l, struct viewer *v)
{
	size_t length = strlen(l->request);
	if (send(v->fd, l->request, length, MSG_NOSIGNAL) != (ssize_t)length) {
		viewer_end(l, v);
		return;
	}
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
	epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, v->fd, &event);
}

static void keep_delay(struct load *l, double delay)
{
	if (l->samples == l->room) {
		l->room = l->room ? 2 * l->room : 65536;
		l->delays = realloc(l->delays, l->room * sizeof(*l->delays));
		if (!l->delays)
			err(1, "realloc");
	}
	l->delays[l->samples++] = (float)delay;
}

/* A repeat has the same number, and is late by design: it counts in bytes only. */
static void count_part(struct load *l, struct viewer *v, const struct part_info *part, double now)
{
	bool repeat = !part->placeholder && part->seq == v->seq;
	l->bad += !part->good;
	l->placeholders += part->placeholder;
	l->repeats += repeat;
	l->bytes += (double)part->length;
	if (part->placeholder || repeat)
		return;
	l->disorder += part->seq < v->seq;
	if (part->seq > v->seq + 1)
		v->skipped += (unsigned)(part->seq - v->seq - 1);
	if (v->frames++ > 0 && now - v->last > l->gap)
		l->gap = now - v->last;
	v->last = now;
	keep_delay(l, now - part->timestamp);
}

static int viewer_parse(struct load *l, struct viewer *v)
{
	struct part_info part;
	int result;
	double now = clock_seconds(CLOCK_REALTIME);
	while ((result = parts_next(&v->parts, &part)) > 0) {
		if (l->measuring)
			count_part(l, v, &part, now);
		v->seq = part.placeholder ? v->seq : part.seq;
		l->started += !v->started;
		v->started = true;
	}
	return result;
}

/*
 * MSG_TRUNC throws a TCP socket's bytes away without copying them: the client is
 * on the same machine as what it measures. Returns what recv does.
 */
static ssize_t viewer_recv(struct viewer *v, bool *more)
{
	size_t room, skip = parts_skip(&v->parts);
	if (skip > 0) {
		ssize_t n = recv(v->fd, NULL, skip, MSG_TRUNC | MSG_DONTWAIT);
		if (n > 0)
			parts_skipped(&v->parts, (size_t)n);
		*more = n == (ssize_t)skip;
		return n;
	}
	char *to = parts_room(&v->parts, &room);
	ssize_t n = recv(v->fd, to, room, MSG_DONTWAIT);
	if (n > 0)
		parts_fill(&v->parts, (size_t)n);
	*more = n == (ssize_t)room;
	return n;
}

/* A socket that gave less than asked is empty: epoll says when there is more. */
static void viewer_read(struct load *l, struct viewer *v)
{
	bool more;
	do {
		ssize_t n = viewer_recv(v, &more);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || viewer_parse(l, v) < 0) {
			viewer_end(l, v);
			return;
		}
	} while (more);
}

static void turn(struct load *l, double until)
{
	struct epoll_event events[EVENTS];
	double left = until - clock_seconds(CLOCK_MONOTONIC);
	int n = epoll_wait(l->epoll_fd, events, EVENTS, left > 0 ? (int)(left * 1000) + 1 : 0);
	for (int i = 0; i < n; i++) {
		struct viewer *v = events[i].data.ptr;
		if (events[i].events & EPOLLOUT)
			viewer_ask(l, v);
		else
			viewer_read(l, v);
	}
}

static void open_all(struct load *l)
{
	double until = clock_seconds(CLOCK_MONOTONIC) + l->patience;
	while (l->started + l->refused < l->count && clock_seconds(CLOCK_MONOTONIC) < until) {
		while (l->opened < l->count && l->opened - l->started - l->refused < CONNECTING_MAX)
			viewer_open(l, &l->viewers[l->opened++]);
		turn(l, until);
	}
}

static void run_for(struct load *l, double seconds)
{
	double until = clock_seconds(CLOCK_MONOTONIC) + seconds;
	while (clock_seconds(CLOCK_MONOTONIC) < until)
		turn(l, until);
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static int by_frames(const void *a, const void *b)
{
	const struct viewer *x = a, *y = b;
	return (x->frames > y->frames) - (x->frames < y->frames);
}

static json_t *fps_figures(struct load *l, double seconds, unsigned long frames)
{
	qsort(l->viewers, l->count, sizeof(*l->viewers), by_frames);
	return json_pack("{s:f,s:f,s:f,s:f}", "min", l->viewers[0].frames / seconds, "median",
		l->viewers[l->count / 2].frames / seconds, "max",
		l->viewers[l->count - 1].frames / seconds, "mean",
		(double)frames / seconds / (double)l->count);
}

static double delay_ms(const struct load *l, double quantile)
{
	size_t at = (size_t)(quantile * (double)(l->samples - 1) + 0.5);
	return l->samples ? 1000.0 * (double)l->delays[at] : 0;
}

static json_t *delay_figures(struct load *l)
{
	qsort(l->delays, l->samples, sizeof(*l->delays), by_size);
	return json_pack("{s:f,s:f,s:f}", "p50", delay_ms(l, 0.5), "p99", delay_ms(l, 0.99), "max",
		delay_ms(l, 1));
}

static void report(struct load *l, double seconds, double cpu)
{
	unsigned long frames = 0, skipped = 0;
	for (size_t i = 0; i < l->count; i++) {
		frames += l->viewers[i].frames;
		skipped += l->viewers[i].skipped;
	}
	json_t *json = json_pack("{s:I,s:I,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:o,s:o}",
		"viewers", (json_int_t)l->count, "started", (json_int_t)l->started, "seconds",
		seconds, "gap_max", l->gap, "bytes", l->bytes, "frames", (json_int_t)frames,
		"skipped", (json_int_t)skipped, "repeats", (json_int_t)l->repeats, "disorder",
		(json_int_t)l->disorder, "bad_parts", (json_int_t)l->bad, "placeholders",
		(json_int_t)l->placeholders, "ended", (json_int_t)l->ended, "client_cpu",
		cpu / seconds, "fps", fps_figures(l, seconds, frames), "delay_ms",
		delay_figures(l));
	if (!json)
		errx(1, "report");
	json_dumpf(json, stdout, JSON_COMPACT);
	puts("");
	json_decref(json);
}

static double cpu_seconds(void)
{
	return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void measure(struct load *l)
{
	puts("begin");
	fflush(stdout);
	double start = clock_seconds(CLOCK_MONOTONIC), cpu = cpu_seconds();
	l->measuring = true;
	run_for(l, l->seconds);
	puts("end");
	fflush(stdout);
	report(l, clock_seconds(CLOCK_MONOTONIC) - start, cpu_seconds() - cpu);
}

static void load_start(struct load *l, const char *host, const char *port, const char *path)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	int error = getaddrinfo(host, port, &hints, &l->address);
	if (error)
		errx(1, "%s: %s", host, gai_strerror(error));
	/* HTTP/1.0: never chunked, whatever the server's configuration. */
	snprintf(l->request, sizeof(l->request), "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n", path,
		host, port);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->viewers = calloc(l->count, sizeof(*l->viewers));
	if (l->epoll_fd < 0 || !l->viewers)
		err(1, "start");
}

static void usage(void)
{
	errx(2, "usage: load [-v VIEWERS] [-s SECONDS] [-w WARMUP] [-p PATIENCE] HOST PORT PATH");
}

int main(int argc, char **argv)
{
	struct load l = {.count = 1, .seconds = 5, .warmup = 1, .patience = 20};
	for (int option; (option = getopt(argc, argv, "v:s:w:p:")) != -1;) {
		double value = option == '?' ? 0 : atof(optarg);
		switch (option) {
		case 'v':
			l.count = (size_t)value;
			break;
		case 's':
			l.seconds = value;
			break;
		case 'w':
			l.warmup = value;
			break;
		case 'p':
			l.patience = value;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 3 || l.count == 0)
		usage();
	load_start(&l, argv[optind], argv[optind + 1], argv[optind + 2]);
	open_all(&l);
	run_for(&l, l.warmup);
	measure(&l);
	freeaddrinfo(l.address);
	free(l.viewers);
	free(l.delays);
	return 0;
}
