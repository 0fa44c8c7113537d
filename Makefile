# SPDX-License-Identifier: MIT
# webcam-fcgi: `make run` to use it, `make test` to prove it, README.md for the rest.
CC ?= cc
PREFIX ?= /usr/local
SAN ?=
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

comma := ,
B := build$(if $(SAN),/$(subst $(comma),-,$(SAN)))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
CPPFLAGS += -D_GNU_SOURCE -I.
CFLAGS ?= -O3 -g
override CFLAGS += -std=c17 $(WARN) -fno-common -fstack-protector-strong -pthread \
	$(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
override LDFLAGS += -pthread -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))
CAPTURE_LIBS := -ljpeg -lv4l2 -lv4lconvert -lm
LIBS := -lfcgi -ljansson -lsystemd $(CAPTURE_LIBS)

objects = $(patsubst %.c,$B/%.o,$(wildcard $(1)))
CAPTURE := $(call objects,capture/*.c)
FCGI := $(filter-out $B/fcgi/main.o,$(call objects,fcgi/*.c))
UNIT := $(patsubst %.c,$B/%,$(wildcard tests/capture/test_*.c tests/fcgi/test_*.c))
BENCH := $(patsubst %.c,$B/%,$(wildcard tests/bench/*.c))

.PHONY: all run test test-deploy check lint bench fuzz deps install uninstall clean unit programs
.SECONDARY:
all: $B/webcam-fcgi

$B/webcam-fcgi: $B/fcgi/main.o $B/fcgi.a $B/capture.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
$B/capture.a: $(CAPTURE)
$B/fcgi.a: $(FCGI)
%.a:
	rm -f $@ && $(AR) rcs $@ $^
$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DWEBCAM_VERSION='"$(VERSION)"' $(CFLAGS) -MMD -c -o $@ $<

# tests/capture links against the library alone: it must know no FastCGI.
$B/tests/capture/%: $B/tests/capture/%.o $B/capture.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(CAPTURE_LIBS)
$B/tests/fcgi/%: $B/tests/fcgi/%.o $B/fcgi.a $B/capture.a
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)
$B/tests/bench/%: $B/tests/bench/%.o $B/fcgi.a $B/capture.a
	$(CC) $(LDFLAGS) -o $@ $^ -lturbojpeg $(LIBS)

unit: $(UNIT)
clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
