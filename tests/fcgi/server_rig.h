/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FCGI_SERVER_RIG_H
#define TESTS_FCGI_SERVER_RIG_H

/* A server with a scripted camera, asked over its socket, for each test. */
/* Every route, over the server's socket, with a scripted camera behind it. */
#include "fcgi/routes.h"

#include "capture/log.h"
#include "capture/settings.h"
#include "fcgi/config.h"
#include "fcgi/healthcheck.h"
#include "fcgi/listener.h"
#include "fcgi/precheck.h"
#include "fcgi/server.h"
#include "tests/capture/scripted.h"
#include "tests/fcgi/support.h"

#include <fcgiapp.h>
#include <jansson.h>
#include <sys/stat.h>

static struct script *const cam = &scripts[0];

struct rig {
	char directory[64], address[128], latch[96];
	struct listener listener;
	struct config config;
	struct settings *settings;
	struct hub *hub;
	struct camera *camera;
	struct server *server;
	struct reply reply;
};

static inline int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	char *argv[] = {"webcam-fcgi", "-d", "pattern", "--warmup=0", "--max-viewers=1",
		"--idle-release=0", "--allow-origin=https://a.example", "--instance-id=test", NULL};
	struct listener_options options = {
		.listen = rig->address, .mode = 0600, .group = (gid_t)-1};
	char error[256];

	snprintf(rig->directory, sizeof(rig->directory), "%s", make_dir());
	snprintf(rig->address, sizeof(rig->address), "unix:%s/sock", rig->directory);
	snprintf(rig->latch, sizeof(rig->latch), "%s/released", rig->directory);
	assert_int_equal(config_load(&rig->config, 8, argv, error, sizeof(error)), 0);
	rig->config.state_dir = rig->directory;
	assert_int_equal(listener_open(&rig->listener, &options, error, sizeof(error)), 0);
	rig->settings = settings_create(NULL, NULL, 0);
	rig->hub = hub_create();
	scripts_reset(rig->hub);
	rig->camera = scripted_camera("cam", rig->directory, 0, false, rig->hub);
	rig->server = server_create(&(struct server_parts){.config = &rig->config,
		.listen_fd = rig->listener.fd,
		.camera = rig->camera,
		.hub = rig->hub,
		.settings = rig->settings});
	assert_non_null(rig->server);
	*state = rig;
	return 0;
}

static inline int tear_down(void **state)
{
	struct rig *rig = *state;

	atomic_store(&cam->hold_open, false);
	atomic_store(&cam->hold_close, false);
	server_stop(rig->server, 100 * NS_PER_MS);
	server_destroy(rig->server);
	camera_destroy(rig->camera);
	hub_destroy(rig->hub);
	settings_destroy(rig->settings);
	listener_close(&rig->listener);
	assert_int_equal(script_is_open(cam), 0);
	unlink(rig->latch);
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

static inline int say(struct rig *rig, const struct bytes *bytes)
{
	int fd = listener_connect(rig->address);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, bytes->data, bytes->size, MSG_NOSIGNAL), bytes->size);
	return fd;
}

/* Pictures have zeros in them. */
static inline bool has(const struct reply *reply, const char *words)
{
	return memmem(reply->text.data, reply->text.size, words, strlen(words)) != NULL;
}

/* Reads on until words are in the answer, or until it ends. */
static inline bool read_until(struct rig *rig, int fd, const char *words)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	while (!rig->reply.closed) {
		read_reply(fd, &rig->reply);
		if (words && has(&rig->reply, words))
			return true;
		if (!rig->reply.closed && poll(&readable, 1, 20000) == 0)
			return false;
	}
	return !words;
}

static inline int ask_with(struct rig *rig, const char *const variables[], const char *body)
{
	static struct bytes bytes;

	bytes.size = 0;
	rig->reply.raw.size = 0;
	rig->reply.closed = false;
	put_request(&bytes, 1, variables, body, strlen(body));
	return say(rig, &bytes);
}

static inline int ask(struct rig *rig, const char *method, const char *path, const char *query)
{
	const char *const variables[] = {"REQUEST_METHOD", method, "SCRIPT_NAME", path,
		"QUERY_STRING", query, "HTTP_HOST", "pi:5000", NULL};

	return ask_with(rig, variables, "");
}

static inline const char *header(struct rig *rig, const char *name)
{
	static char value[512];
	const char *line = reply_text(&rig->reply);
	size_t n = strlen(name);

	value[0] = '\0';
	for (; line && *line != '\r'; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			sscanf(line + n, ": %511[^\r]", value);
	}
	return value;
}

static inline const char *body(struct rig *rig)
{
	const char *end = strstr(reply_text(&rig->reply), "\r\n\r\n");

	return end ? end + 4 : "";
}

/* What every answer of the worker has. */
static inline void expect_answer(struct rig *rig, int fd, int status)
{
	assert_true(read_until(rig, fd, NULL));
	assert_true(rig->reply.ended);
	if (atoi(header(rig, "Status")) != status)
		fail_msg("not %d: %s", status, reply_text(&rig->reply));
	assert_non_null(strstr(header(rig, "Cache-Control"), "no-store"));
	assert_string_equal(header(rig, "X-Content-Type-Options"), "nosniff");
	assert_true(*header(rig, "X-Camera-State"));
	close(fd);
}

static inline const char *get(struct rig *rig, int status, const char *path, const char *query)
{
	expect_answer(rig, ask(rig, "GET", path, query), status);
	return body(rig);
}

static inline const char *post(struct rig *rig, int status, const char *path)
{
	expect_answer(rig, ask(rig, "POST", path, ""), status);
	return body(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
