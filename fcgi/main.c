/* SPDX-License-Identifier: MIT */
#include "capture/camera.h"
#include "capture/clock.h"
#include "capture/device_table.h"
#include "capture/hub.h"
#include "capture/latch.h"
#include "capture/log.h"
#include "capture/settings.h"
#include "fcgi/config.h"
#include "fcgi/healthcheck.h"
#include "fcgi/listener.h"
#include "fcgi/notify.h"
#include "fcgi/server.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_CLEAN = 0, EXIT_CANNOT_RUN = 1, EXIT_USAGE = 2 };

/* Of the second in which the worker must be gone: the viewers' share, then the driver's. */
#define VIEWERS_NS (700 * NS_PER_MS)
#define DRIVER_NS (200 * NS_PER_MS)

/* Descriptors 0 to 2 stay open, so that no socket or camera is ever mistaken for one of them. */
static void keep_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/*
 * A core file would hold somebody's pictures, so there is none. A program that the
 * kernel pipes cores to is not bound by that limit: what it gets is told in core(5)'s
 * mask, which leaves all memory out, ours and the driver's. (MADV_DONTDUMP would need
 * pages of its own for each picture, and there are copies in the encoder and in parts.)
 */
static void keep_pictures_out_of_cores(void)
{
	static const char elf_headers_alone[] = "0x10";
	const struct rlimit none = {0, 0};
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	setrlimit(RLIMIT_CORE, &none);
	if (fd < 0)
		return;
	(void)!write(fd, elf_headers_alone, sizeof(elf_headers_alone) - 1);
	close(fd);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * FCGX_Init() sets handlers of its own, so it comes first. Signals are blocked
 * in every thread and taken by main alone, in wait_for_signal().
 */
static sigset_t init_signals(void)
{
	sigset_t ours;

	FCGX_Init();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	return ours;
}

/* The signal that came, or -1 at the deadline. */
static int next_signal(const sigset_t *ours, int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_now_ns();
	struct timespec timeout;

	if (deadline_ns == INT64_MAX)
		return sigwaitinfo(ours, NULL);
	left = left > 0 ? left : 0;
	timeout = (struct timespec){left / NS_PER_S, left % NS_PER_S};
	return sigtimedwait(ours, NULL, &timeout);
}

static void wait_for_signal(const sigset_t *ours, struct notify *notify, struct camera *camera)
{
	struct camera_status status;
	int number = 0;

	while (number != SIGTERM && number != SIGINT) {
		camera_status(camera, &status);
		number = next_signal(ours, notify_tick(notify, &status));
		if (number == SIGHUP && isatty(STDERR_FILENO))
			break;
	}
	log_info("stopping on %s", strsignal(number));
}

static struct camera *open_camera(const struct config *config, struct hub *hub,
	struct settings *settings, struct notify *notify)
{
	struct camera_options options = {
		.devices = config->device,
		.dev_dir = config->dev_dir,
		.width = config->width,
		.height = config->height,
		.fps = config->fps,
		.fourcc = config->fourcc,
		.quality = config->quality,
		.idle_release_ns = config->idle_release_ns,
		.settings = settings,
		.pulse = &notify->camera,
	};

	options.released = latch_read(config->state_dir, &options.released_ns);

	if (options.released) {
		time_t seconds = options.released_ns / NS_PER_S;
		char when[32];

		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime(&seconds));
		log_warn("camera: switched off since %s; POST /start or removing %s/released "
			 "switches "
			 "it on",
			when, config->state_dir);
	}
	return camera_create(&options, hub);
}

/* Streams end and the camera closes at the same time; a driver that hangs is left behind. */
static void stop(struct server *server, struct camera *camera, struct listener *listener)
{
	int64_t deadline_ns;

	camera_stop(camera);
	server_stop(server, VIEWERS_NS);
	listener_close(listener);
	deadline_ns = clock_now_ns() + DRIVER_NS;
	if (camera_join(camera, DRIVER_NS) < 0 ||
		server_join(server, deadline_ns - clock_now_ns()) < 0) {
		log_error("the driver does not let go of the camera; leaving all the same");
		_exit(EXIT_CLEAN);
	}
}

static void announce(const struct listener *listener, struct notify *notify)
{
	char where[256];

	listener_describe(listener, where, sizeof(where));
	log_info("webcam-fcgi %s listens on %s", WEBCAM_VERSION, where);
	notify_ready(notify);
}

/* Everything is made in the order in which it needs the others, and freed the other way. */
static int work(const struct config *config, struct listener *listener, const sigset_t *signals)
{
	struct settings *settings =
		settings_create(config->state_dir, config->controls, config->controls_count);
	struct hub *hub = hub_create();
	struct camera *camera = NULL;
	struct server *server = NULL;
	struct notify notify;
	int status = EXIT_CANNOT_RUN;

	notify_init(&notify);
	if (settings && hub)
		camera = open_camera(config, hub, settings, &notify);
	if (camera)
		server = server_create(&(struct server_parts){
			config, listener->fd, camera, hub, settings, &notify.server});
	if (server) {
		announce(listener, &notify);
		wait_for_signal(signals, &notify, camera);
		notify_stopping(&notify);
		stop(server, camera, listener);
		log_info("stopped");
		status = EXIT_CLEAN;
	} else {
		log_error("cannot start: %s", strerror(errno));
	}
	server_destroy(server);
	camera_destroy(camera);
	hub_destroy(hub);
	settings_destroy(settings);
	return status;
}

static int serve(const struct config *config)
{
	const struct listener_options options = {
		.listen = config->listen,
		.mode = config->socket_mode,
		.group = config->socket_group,
	};
	struct listener listener;
	sigset_t signals = init_signals();
	char error[256];
	int status;

	raise_descriptor_limit();
	keep_pictures_out_of_cores();
	if (listener_open(&listener, &options, error, sizeof(error)) < 0) {
		log_error("%s", error);
		return EXIT_CANNOT_RUN;
	}
	status = work(config, &listener, &signals);
	listener_close(&listener);
	return status;
}

static int check_health(const struct config *config)
{
	return healthcheck(config->listen ? config->listen : LISTENER_DEFAULT) == 0
		       ? EXIT_CLEAN
		       : EXIT_CANNOT_RUN;
}

static int act(const struct config *config)
{
	switch (config->action) {
	case CONFIG_HELP:
		config_print_help();
		return EXIT_CLEAN;
	case CONFIG_VERSION:
		printf("webcam-fcgi %s\n", WEBCAM_VERSION);
		return EXIT_CLEAN;
	case CONFIG_LIST:
		device_table_print(stdout, config->dev_dir);
		return EXIT_CLEAN;
	case CONFIG_HEALTHCHECK:
		return check_health(config);
	case CONFIG_SERVE:
		break;
	}
	keep_standard_descriptors();
	log_init(config->log_level);
	return serve(config);
}

int main(int argc, char **argv)
{
	struct config config;
	char error[256];
	int status = EXIT_USAGE;

	if (config_load(&config, argc, argv, error, sizeof(error)) == 0)
		status = act(&config);
	else
		fprintf(stderr, "webcam-fcgi: %s\n", error);
	config_finish(&config);
	return status;
}
