/* SPDX-License-Identifier: MIT */
#include "fcgi/config.h"

#include "fcgi/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS (OPTIONS - OPTIONS_ACTIONS)

static int refuse(char *error, size_t size, const char *where, const char *value, const char *takes)
{
	snprintf(error, size, "%s: \"%s\" is not valid: give %s", where, value, takes);
	return -1;
}

static bool add_controls(struct config *config, const char *list)
{
	char *rest = strdup(list), *entry;

	config->controls_text = rest;
	while (rest && (entry = strsep(&rest, ","))) {
		if (!option_add_control(config, entry))
			return false;
	}
	return config->controls_text != NULL;
}

static int load_environment(struct config *config, char *error, size_t size)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct option_row *row = &option_rows[i];
		const char *value = getenv(row->environment);
		bool good;

		if (!value || !*value)
			continue;
		good = row->set == option_add_control ? add_controls(config, value)
						      : row->set(config, value);
		if (!good)
			return refuse(error, size, row->environment, value, row->takes);
	}
	return 0;
}

static void load_presets(struct config *config)
{
	/* systemd's StateDirectory= puts it there; an explicit setting beats it. */
	const char *state_dir = getenv("STATE_DIRECTORY");

	*config = (struct config){.socket_group = (gid_t)-1};
	if (state_dir && *state_dir)
		config->state_dir = state_dir;
	for (size_t i = 0; i < SETTINGS; i++) {
		if (option_rows[i].preset)
			option_rows[i].set(config, option_rows[i].preset);
	}
}

static void fill_getopt(struct option *options, char *letters)
{
	*letters++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < OPTIONS; i++) {
		options[i] = (struct option){option_rows[i].name,
			option_rows[i].argument ? required_argument : no_argument, NULL,
			(int)i + 256};
		if (option_rows[i].letter) {
			*letters++ = option_rows[i].letter;
			if (option_rows[i].argument)
				*letters++ = ':';
		}
	}
	options[OPTIONS] = (struct option){0};
	*letters = '\0';
}

static const struct option_row *row_of(int code)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (code == (int)i + 256 || (code && code == option_rows[i].letter))
			return &option_rows[i];
	}
	return NULL;
}

static int complain(int code, char **argv, char *error, size_t size)
{
	const char *given = argv[optind - 1];
	const struct option_row *row = row_of(optopt);

	if (code == ':' && row)
		snprintf(error, size, "--%s needs a value: give %s", row->name, row->takes);
	else if (row && !row->argument)
		snprintf(error, size, "--%s takes no value", row->name);
	else if (optopt > 0 && optopt < 128)
		snprintf(error, size, "unknown option -%c; --help lists them all", optopt);
	else
		snprintf(error, size, "unknown option %s; --help lists them all", given);
	return -1;
}

static int load_command_line(struct config *config, int argc, char **argv, char *error, size_t size)
{
	struct option options[OPTIONS + 1];
	char letters[2 * OPTIONS + 2];
	bool replaced_controls = false;
	int code;

	fill_getopt(options, letters);
	opterr = 0;
	optind = 0;
	while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_row *row = row_of(code);
		char where[32];

		if (!row || code == '?' || code == ':')
			return complain(code, argv, error, size);
		if (!row->set) {
			config->action =
				(enum config_action)(CONFIG_LIST + (row - &option_rows[SETTINGS]));
			continue;
		}
		if (row->set == option_add_control && !replaced_controls) {
			config->controls_count = 0;
			replaced_controls = true;
		}
		snprintf(where, sizeof(where), "--%s", row->name);
		if (!row->set(config, optarg))
			return refuse(error, size, where, optarg, row->takes);
	}
	if (optind < argc) {
		snprintf(error, size, "unknown argument \"%s\"; --help lists all options",
			argv[optind]);
		return -1;
	}
	return 0;
}

int config_load(struct config *config, int argc, char **argv, char *error, size_t size)
{
	load_presets(config);
	if (load_environment(config, error, size) < 0)
		return -1;
	return load_command_line(config, argc, argv, error, size);
}

void config_finish(struct config *config)
{
	free(config->controls_text);
	config->controls_text = NULL;
}

void config_print_help(void)
{
	printf("Usage: webcam-fcgi [OPTION...]\n"
	       "Streams a camera to web pages, as a FastCGI worker behind nginx.\n\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", row->name, row->argument ? " " : "",
			row->argument ? row->argument : "");
		if (row->letter)
			printf("  -%c, %-20s %s", row->letter, left, row->help);
		else
			printf("      %-20s %s", left, row->help);
		if (row->preset && *row->preset)
			printf(" (%s)", row->preset);
		printf("\n");
	}
	printf("\nEvery option but the last four can be given in the environment, as WEBCAM_DEVICE "
	       "for\n"
	       "--device; WEBCAM_CONTROLS is a list with commas. The command line wins.\n");
}
