/* SPDX-License-Identifier: MIT */
#include "capture/settings.h"

#include "capture/log.h"
#include "capture/state_file.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file[] = "controls";

struct entry {
	struct control_wish wish;
	bool kept; /* else it is a preset */
};

struct settings {
	const char *state_dir;
	bool complained;      /* the writing thread's own */
	pthread_mutex_t lock; /* guards what is below */
	struct entry entries[SETTINGS_MAX];
	size_t size;
};

static bool is_text(const char *text, size_t size, const char *also)
{
	if (size == 0 || size >= sizeof(((struct control_wish *)0)->name))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr(also, text[i]))
			return false;
	}
	return true;
}

/* NAME=VALUE, in size bytes. */
static bool parse(const char *line, size_t size, struct control_wish *wish)
{
	const char *equals = memchr(line, '=', size);
	size_t name_size = equals ? (size_t)(equals - line) : 0;
	size_t value_size = equals ? size - name_size - 1 : 0;

	if (!is_text(line, name_size, "_") || !is_text(equals + 1, value_size, "-"))
		return false;
	snprintf(wish->name, sizeof(wish->name), "%.*s", (int)name_size, line);
	snprintf(wish->value, sizeof(wish->value), "%.*s", (int)value_size, equals + 1);
	return true;
}

static struct entry *find(struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->size; i++) {
		if (control_same_name(settings->entries[i].wish.name, name))
			return &settings->entries[i];
	}
	return NULL;
}

/* false: there is no room for another one. */
static bool put(struct settings *settings, const struct control_wish *wish, bool kept)
{
	struct entry *entry = find(settings, wish->name);

	if (!entry && settings->size < SETTINGS_MAX)
		entry = &settings->entries[settings->size++];
	if (entry)
		*entry = (struct entry){*wish, kept};
	return entry != NULL;
}

static void add_presets(struct settings *settings, const char *const *presets, size_t count)
{
	struct control_wish wish;

	for (size_t i = 0; i < count; i++) {
		if (!parse(presets[i], strlen(presets[i]), &wish) || !put(settings, &wish, false))
			log_warn("controls: --control %s is no NAME=VALUE, or one too many",
				presets[i]);
	}
}

/* How many wishes the text has; or -1 if it is none of ours. */
static int parse_all(const char *text, struct control_wish wishes[SETTINGS_MAX])
{
	int count = 0;

	while (*text) {
		size_t size = strcspn(text, "\n");

		if (size && (count == SETTINGS_MAX || !parse(text, size, &wishes[count++])))
			return -1;
		text += size + (text[size] == '\n');
	}
	return count;
}

static void tell_change(struct settings *settings, const struct control_wish *kept)
{
	const struct entry *preset = find(settings, kept->name);

	if (preset && strcmp(preset->wish.value, kept->value) != 0)
		log_info("controls: %s=%s, kept in %s/%s, beats --control %s=%s", kept->name,
			kept->value, settings->state_dir, file, preset->wish.name,
			preset->wish.value);
}

static void complain(const struct settings *settings, const char *why)
{
	log_warn("%s/%s: %s: ignored, and written anew when a control is set", settings->state_dir,
		file, why);
}

static void load(struct settings *settings)
{
	struct control_wish wishes[SETTINGS_MAX];
	char *text = state_file_read(settings->state_dir, file);
	int count = text ? parse_all(text, wishes) : 0;

	if (!text && errno != ENOENT)
		complain(settings, strerror(errno));
	if (count < 0)
		complain(settings, "it is damaged, not lines of NAME=VALUE");
	for (int i = 0; i < count; i++) {
		tell_change(settings, &wishes[i]);
		put(settings, &wishes[i], true);
	}
	free(text);
}

struct settings *settings_create(
	const char *state_dir, const char *const *presets, size_t presets_count)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		return NULL;
	settings->state_dir = state_dir;
	pthread_mutex_init(&settings->lock, NULL);
	add_presets(settings, presets, presets_count);
	if (state_dir)
		load(settings);
	return settings;
}

void settings_destroy(struct settings *settings)
{
	if (!settings)
		return;
	pthread_mutex_destroy(&settings->lock);
	free(settings);
}

size_t settings_copy(struct settings *settings, struct control_wish wishes[SETTINGS_MAX])
{
	size_t size;

	pthread_mutex_lock(&settings->lock);
	size = settings->size;
	for (size_t i = 0; i < size; i++)
		wishes[i] = settings->entries[i].wish;
	pthread_mutex_unlock(&settings->lock);
	return size;
}

/* Reads without the lock: only this thread writes. */
static int store(struct settings *settings)
{
	char text[SETTINGS_MAX * sizeof(struct control_wish)];
	size_t used = 0;

	for (size_t i = 0; i < settings->size; i++) {
		const struct entry *entry = &settings->entries[i];

		if (entry->kept)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s=%s\n",
				entry->wish.name, entry->wish.value);
	}
	return state_file_write(settings->state_dir, file, text, used);
}

int settings_keep(struct settings *settings, const struct control_wish *wishes, size_t count)
{
	size_t left_out = 0;
	int rc;

	pthread_mutex_lock(&settings->lock);
	for (size_t i = 0; i < count; i++)
		left_out += !put(settings, &wishes[i], true);
	pthread_mutex_unlock(&settings->lock);
	if (left_out)
		log_warn("controls: %zu of what was set is too much to remember", left_out);
	if (!settings->state_dir)
		return 0;
	rc = store(settings);
	if (rc < 0 && !settings->complained)
		log_warn("%s/%s: %s: a restart would forget the controls that were set",
			settings->state_dir, file, strerror(errno));
	settings->complained = rc < 0;
	return rc;
}
