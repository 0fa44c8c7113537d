/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_FONT_H
#define CAPTURE_FONT_H

/*
 * font - a small bitmap font of printable ASCII, drawn for this project.
 */
#include <stdbool.h>

#define FONT_WIDTH 5
#define FONT_HEIGHT 9 /* two lines of it below the baseline */

/* Is this dot of the glyph set? column < FONT_WIDTH, line < FONT_HEIGHT; others show as '?'. */
bool font_dot(char c, unsigned column, unsigned line);

#endif
