/* SPDX-License-Identifier: MIT */
#include "capture/device_sys.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The file's first line; "" if there is none. */
static void read_line(const char *dir, const char *name, char *line, int size)
{
	char path[PATH_MAX];
	FILE *file = NULL;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) < sizeof(path))
		file = fopen(path, "re");
	if (!file || !fgets(line, size, file))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* In "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1" the controller is what is before "usb1". */
static bool find_controller(char *path, char **controller)
{
	char *hub = path;

	while ((hub = strstr(hub, "/usb"))) {
		if (isdigit((unsigned char)hub[4]))
			break;
		hub++;
	}
	if (!hub)
		return false;
	*hub = '\0';
	*controller = strrchr(path, '/');
	return *controller != NULL;
}

bool device_sys_usb(
	const char *sys, dev_t device, char bus[DEVICE_SYS_TEXT], char serial[DEVICE_SYS_TEXT])
{
	char link[PATH_MAX], path[PATH_MAX], port[DEVICE_SYS_TEXT], *controller, *interface;

	snprintf(link, sizeof(link), "%s/dev/char/%u:%u/device", sys, major(device), minor(device));
	if (!realpath(link, path))
		return false;
	interface = strrchr(path, '/');
	if (!interface)
		return false;
	*interface = '\0';
	read_line(path, "devpath", port, sizeof(port));
	read_line(path, "serial", serial, DEVICE_SYS_TEXT);
	if (!*port || !find_controller(path, &controller))
		return false;
	return snprintf(bus, DEVICE_SYS_TEXT, "usb-%s-%s", controller + 1, port) < DEVICE_SYS_TEXT;
}

static bool has_open(const char *process, dev_t device)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "%s/fd", process);
	fds = opendir(path);
	if (!fds)
		return false;
	while (!found && (entry = readdir(fds)))
		found = fstatat(dirfd(fds), entry->d_name, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
			st.st_rdev == device;
	closedir(fds);
	return found;
}

void device_sys_holder(const char *proc, dev_t device, char *text, size_t size)
{
	struct dirent *entry;
	DIR *processes = opendir(proc);

	*text = '\0';
	if (!processes)
		return;
	while (!*text && (entry = readdir(processes))) {
		char process[PATH_MAX - 8], name[32];

		if (!isdigit((unsigned char)*entry->d_name) || atoi(entry->d_name) == getpid())
			continue;
		snprintf(process, sizeof(process), "%s/%s", proc, entry->d_name);
		if (!has_open(process, device))
			continue;
		read_line(process, "comm", name, sizeof(name));
		snprintf(text, size, "%s (pid %s)", name, entry->d_name);
	}
	closedir(processes);
}
