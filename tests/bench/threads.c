/* SPDX-License-Identifier: MIT */
/*
 * threads SOCKET FRAMES FPS - what one writes first: a thread per viewer, libfcgi's stdio.
 *
 * The pictures themselves are shared and never copied by us; what this costs more
 * than the bare sender is libfcgi's 8 KB buffer and one wake-up per viewer.
 */
#include "tests/bench/canned.h"

#include <err.h>
#include <errno.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct threads {
	struct canned canned;
	int listen_fd;
	pthread_mutex_t lock; /* seq, head, head_length */
	pthread_cond_t newer;
	uint64_t seq;
	char head[CANNED_HEAD_MAX];
	size_t head_length;
};

struct viewer {
	struct threads *threads;
	FCGX_Request request;
};

static uint64_t wait_newer(struct threads *t, uint64_t seen, char *head, size_t *length)
{
	pthread_mutex_lock(&t->lock);
	while (t->seq == seen)
		pthread_cond_wait(&t->newer, &t->lock);
	uint64_t seq = t->seq;
	*length = t->head_length;
	memcpy(head, t->head, *length);
	pthread_mutex_unlock(&t->lock);
	return seq;
}

static int put(FCGX_Stream *out, const void *bytes, size_t size)
{
	return FCGX_PutStr(bytes, (int)size, out);
}

static void *serve(void *arg)
{
	struct viewer *v = arg;
	FCGX_Stream *out = v->request.out;
	char head[CANNED_HEAD_MAX];
	size_t length;
	uint64_t seq = 0;
	int result = put(out, canned_answer, strlen(canned_answer));
	while (result >= 0) {
		seq = wait_newer(v->threads, seq, head, &length);
		const struct picture *picture = canned_picture(&v->threads->canned, seq);
		put(out, head, length);
		put(out, picture->bytes, picture->size);
		put(out, canned_tail, strlen(canned_tail));
		result = FCGX_FFlush(out);
	}
	FCGX_Free(&v->request, 1);
	free(v);
	return NULL;
}

static void *publish(void *arg)
{
	struct threads *t = arg;
	sigset_t expired;
	sigemptyset(&expired);
	sigaddset(&expired, SIGALRM);
	for (int signal; sigwait(&expired, &signal) == 0;) {
		pthread_mutex_lock(&t->lock);
		t->seq++;
		t->head_length = canned_head(t->head, t->seq, canned_picture(&t->canned, t->seq));
		pthread_cond_broadcast(&t->newer);
		pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

/* A timer signal, waited for by one thread and blocked in all, keeps the rate exact. */
static void start_publishing(struct threads *t, double fps)
{
	sigset_t expired;
	sigemptyset(&expired);
	sigaddset(&expired, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &expired, NULL);
	long interval = (long)(1e9 / fps);
	struct timespec period = {interval / 1000000000, interval % 1000000000};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	timer_t timer;
	pthread_t thread;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
		timer_settime(timer, 0, &(struct itimerspec){period, period}, NULL) < 0)
		err(1, "timer");
	if ((errno = pthread_create(&thread, NULL, publish, t)) != 0)
		err(1, "thread");
}

static void accept_viewer(struct threads *t)
{
	struct viewer *v = calloc(1, sizeof(*v));
	if (!v)
		err(1, "viewer");
	v->threads = t;
	FCGX_InitRequest(&v->request, t->listen_fd, 0);
	pthread_t thread;
	if (FCGX_Accept_r(&v->request) < 0 || pthread_create(&thread, NULL, serve, v) != 0) {
		FCGX_Free(&v->request, 1);
		free(v);
		return;
	}
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: threads SOCKET FRAMES FPS");
	struct threads t = {.lock = PTHREAD_MUTEX_INITIALIZER, .newer = PTHREAD_COND_INITIALIZER};
	if (canned_load(&t.canned, argv[2]) < 0)
		err(1, "%s", argv[2]);
	if (FCGX_Init() != 0 || (t.listen_fd = canned_listen(argv[1])) < 0)
		err(1, "%s", argv[1]);
	signal(SIGTERM, SIG_DFL); /* FCGX_Init() took it */
	start_publishing(&t, atof(argv[3]));
	for (;;)
		accept_viewer(&t);
}
