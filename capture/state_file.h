/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_STATE_FILE_H
#define CAPTURE_STATE_FILE_H

#include <stddef.h>

/*
 * state_file - a small text file in the state directory.
 *
 * Whoever reads it sees the old text or the new one, whole, whatever happens
 * in between. One writer at a time.
 */
#define STATE_FILE_MAX 65536

/* The text, to be freed; or NULL and errno: ENOENT, EFBIG (over STATE_FILE_MAX), EILSEQ (a NUL in
 * it), … */
char *state_file_read(const char *state_dir, const char *name);

/* Replaces the file, and waits until that is on the disk: 0; or -1 and errno, the old text stays.
 */
int state_file_write(const char *state_dir, const char *name, const char *text, size_t size);

#endif
