/* SPDX-License-Identifier: MIT */
#ifndef FCGI_RECORD_H
#define FCGI_RECORD_H

#include <stddef.h>
#include <stdint.h>

/* record - FastCGI records as they go over the wire (FastCGI specification 1.0, section 3.3). */
enum record_type {
	RECORD_BEGIN_REQUEST = 1,
	RECORD_ABORT_REQUEST = 2,
	RECORD_END_REQUEST = 3,
	RECORD_PARAMS = 4,
	RECORD_STDIN = 5,
	RECORD_STDOUT = 6,
};

#define RECORD_HEADER 8
#define RECORD_MAX 65528 /* content of a full record: the largest multiple of 8, no padding */
#define RECORD_END 24    /* an empty STDOUT record and END_REQUEST */

/* Bytes of size bytes of content cut into STDOUT records. */
size_t record_size(size_t size);

/* Writes the header of a record with size (at most 65535) bytes of content; returns its end. */
uint8_t *record_header(uint8_t *to, enum record_type type, unsigned id, size_t size);

/* Writes size bytes cut into STDOUT records, record_size(size) bytes; returns their end. */
uint8_t *record_stdout(uint8_t *to, unsigned id, const void *content, size_t size);

/* Ends the request: RECORD_END bytes; returns their end. */
uint8_t *record_end(uint8_t *to, unsigned id);

#endif
