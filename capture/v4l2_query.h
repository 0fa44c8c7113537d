/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_V4L2_QUERY_H
#define CAPTURE_V4L2_QUERY_H

#include "capture/controls.h"

#include <stdbool.h>

/* v4l2_query - asks an open V4L2 node for its controls, and sets one. Waits for the driver. */

/* 0 and all that it has, for controls_free(); or -1 and errno: ENODEV, ENOMEM. */
int v4l2_query_controls(int fd, struct controls *controls);

/* Whether an automatic has got the control now. */
bool v4l2_query_inactive(int fd, const struct control_info *control);

/* 0, or -1 and the driver's errno. */
int v4l2_query_set(int fd, const struct control_info *control, int64_t value);

#endif
