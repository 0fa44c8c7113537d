# SPDX-License-Identifier: MIT
# webcam-fcgi: `make run` to use it, `make test` to prove it, README.md for the rest.
CC ?= cc
PREFIX ?= /usr/local
SAN ?=
BUILD ?= build
VERSION := 0.9.0

comma := ,
B := $(BUILD)$(if $(SAN),/$(subst $(comma),-,$(SAN)))

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
BENCH := $(addprefix $B/tests/bench/,load bare threads $(if $(wildcard tests/bench/codec.c),codec))
VM := $(addprefix $B/tests/vm/,uvc-emu source_probe)

.PHONY: all run test test-deploy soak check lint bench fuzz deps install uninstall clean unit programs
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

$B/tests/vm/%: $B/tests/vm/%.o $B/capture.a
	$(CC) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS)

$B/tests/vm/uvc-emu: $B/tests/vm/uvc_camera.o $B/tests/vm/uvc_clip.o
$B/tests/bench/load: $B/tests/bench/parts.o
$B/tests/bench/codec: $B/tests/bench/rgbway.o
$B/tests/bench/bare $B/tests/bench/threads: $B/tests/bench/canned.o

unit: $(UNIT)
programs: all unit $(BENCH) $(VM)

run:
	@setpriv --pdeathsig TERM conf/run
deps:
	@conf/deps build run test

# A make that a test starts is nobody's sub-make.
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL /usr/bin/python3 -m pytest -p no:cacheprovider
test:
	@conf/deps build run test
	@$(MAKE) --no-print-directory all
	@$(PYTEST) tests --ignore=tests/deploy
test-deploy:
	@conf/deps build run test deploy
	@$(MAKE) --no-print-directory all
	@$(PYTEST) tests/deploy
# Random events against the kernel's own drivers. SEED=N repeats a run; make test has 60 of them.
EVENTS ?= 1000
soak:
	@conf/deps build run test
	@$(MAKE) --no-print-directory all
	@SOAK_EVENTS=$(EVENTS) SOAK_SEED=$${SEED:-$$(date +%s)} $(PYTEST) -s tests/vm/test_soak.py

# Quick: the unit tests of one build (SAN=address,undefined or SAN=thread) and lint.
check: unit lint
	@for test in $(UNIT); do $(if $(findstring thread,$(SAN)),setarch -R) $$test || exit 1; done
SCRIPTS := conf/run conf/deps conf/render .ci/run $(wildcard conf/docker/serve tests/vm/vm-* tests/deploy/docker-base)
lint:
	clang-format --dry-run -Werror $(wildcard capture/*.[ch] fcgi/*.[ch] tests/*/*.[ch])
	# "a= b=c" and "x,y" in a list are meant as they stand.
	shellcheck -S warning -e SC1007,SC2054 $(SCRIPTS)
	@$(MAKE) --no-print-directory programs SAN= BUILD=build/lint-gcc CC=gcc CFLAGS='-O2 -Werror'
	@$(MAKE) --no-print-directory programs SAN= BUILD=build/lint-clang CC=clang CFLAGS='-O2 -Werror'
# QUICK=1: two minutes, the ratios alone. CHART=tests/bench/chart.svg: renews the README's chart.
bench:
	@conf/deps build run bench
	@$(MAKE) --no-print-directory all $(BENCH)
	@/usr/bin/python3 tests/bench/bench.py $(if $(QUICK),--quick) $(if $(CHART),--chart $(CHART))
# A target names the sources it needs in a line "fuzzes: capture/a.c fcgi/b.c"; NAME.seeds holds beginnings.
FUZZ_SECONDS ?= 20
fuzz: $(patsubst tests/fuzz/%.c,fuzz-%,$(wildcard tests/fuzz/*.c))
fuzz-%: tests/fuzz/%.c
	@mkdir -p $(BUILD)/fuzz/$*.corpus
	clang $(CPPFLAGS) -std=c17 -O1 -g -pthread -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $(BUILD)/fuzz/$* $< $$(sed -n 's,^/\* fuzzes: \(.*\) \*/$$,\1,p' $<) -Wl,--as-needed $(LIBS)
	$(BUILD)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -use_value_profile=1 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/fuzz/$*- $(BUILD)/fuzz/$*.corpus $(wildcard tests/fuzz/$*.seeds)

# Nothing is enabled by installing: README.md, "Under systemd".
SHARE := $(PREFIX)/share/webcam-fcgi
INSTALLED := $(PREFIX)/bin/webcam-fcgi $(PREFIX)/share/man/man8/webcam-fcgi.8 $(SHARE) \
	$(addprefix /etc/systemd/system/webcam-fcgi@,.socket .service) /etc/nginx/snippets/webcam-fcgi.conf
install: all
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))) $(SHARE)/html $(SHARE)/examples /etc/webcam-fcgi)
	install $B/webcam-fcgi $(DESTDIR)$(PREFIX)/bin/
	install -m 644 conf/man/webcam-fcgi.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 html/* $(DESTDIR)$(SHARE)/html/
	install -m 644 conf/examples/* conf/systemd/camera.conf conf/prometheus/* $(DESTDIR)$(SHARE)/examples/
	install -m 644 conf/systemd/webcam-fcgi@.socket $(DESTDIR)/etc/systemd/system/
	sed 's|@PREFIX@|$(PREFIX)|' conf/systemd/webcam-fcgi@.service | \
		install -m 644 /dev/stdin $(DESTDIR)/etc/systemd/system/webcam-fcgi@.service
	sed 's|@HTML@|$(SHARE)/html|; s|@SOCKETS@|/run/webcam-fcgi|' conf/webcam-fcgi.conf | \
		install -m 644 /dev/stdin $(DESTDIR)/etc/nginx/snippets/webcam-fcgi.conf
# The cameras' settings and state stay: they are the admin's.
uninstall:
	rm -rf $(addprefix $(DESTDIR),$(INSTALLED))
	@rmdir $(DESTDIR)/etc/webcam-fcgi 2>/dev/null || :

clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
