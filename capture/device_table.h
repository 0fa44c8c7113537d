/* SPDX-License-Identifier: MIT */
#ifndef CAPTURE_DEVICE_TABLE_H
#define CAPTURE_DEVICE_TABLE_H

#include <stddef.h>
#include <stdio.h>

/*
 * device_table - what --list prints: the cameras in dev_dir, their formats,
 * sizes and rates, and why the other video nodes are none. Returns how many
 * cameras there are.
 */
size_t device_table_print(FILE *out, const char *dev_dir);

struct offer;

/* The part of it for one camera. */
void device_table_offers(FILE *out, const struct offer *offers, size_t size);

#endif
