/* SPDX-License-Identifier: MIT */
#ifndef FCGI_CONFIG_H
#define FCGI_CONFIG_H

#include "capture/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* config - command line over environment over defaults. Plain data; strings live as long as argv
 * and the environment. */
enum config_action { CONFIG_SERVE, CONFIG_LIST, CONFIG_HEALTHCHECK, CONFIG_HELP, CONFIG_VERSION };

#define CONFIG_CONTROLS_MAX 64

struct config {
	enum config_action action;
	const char *device;
	unsigned width, height;
	double fps;
	uint32_t fourcc; /* 0: auto */
	int quality;
	const char *controls[CONFIG_CONTROLS_MAX]; /* "NAME=VALUE", in order */
	size_t controls_count;
	char *controls_text; /* what those of WEBCAM_CONTROLS point into; ours */
	const char *listen;  /* NULL: inherited, else the default path */
	mode_t socket_mode;
	gid_t socket_group; /* (gid_t)-1: unchanged */
	unsigned max_viewers;
	int64_t viewer_timeout_ns;
	size_t max_inflight;     /* bytes */
	int64_t idle_release_ns; /* INT64_MAX: never */
	int64_t warmup_ns;
	const char *state_dir; /* NULL: nothing is kept */
	const char *dev_dir;
	const char *allow_origin; /* NULL: none */
	const char *instance_id;
	enum log_level log_level;
};

/*
 * 0, or -1 with one line in error that names the option (or the environment
 * variable), what was given, and what it takes.
 */
int config_load(struct config *config, int argc, char **argv, char *error, size_t size);

/* Frees what config_load() made, also where it failed. */
void config_finish(struct config *config);

/* The text of --help. */
void config_print_help(void);

#endif
