# vmend. `make` builds build/vmend, `make check` runs every test, `make demo` shows it at
# work, `make lint` reads the code, `make install DESTDIR= PREFIX=` installs it.
# VARIANT=release|debug|asan|tsan|fuzz|cov, each in a folder of its own. V=1 shows commands.
# CC=clang works as well. Missing libraries and test tools are installed by tools/deps.

PROG    := vmend
VERSION := $(shell cat VERSION)
VARIANT ?= release
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
MANDIR  ?= $(PREFIX)/share/man
ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(VARIANT)$(if $(filter-out gcc,$(notdir $(CC))),-$(notdir $(CC)))$(if $(PORTABLE),-portable)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)

# ---- flags ----
STD  := -std=c17 -D_POSIX_C_SOURCE=200809L -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. \
	-DVMEND_VERSION='"$(VERSION)"'
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
	-Wstrict-prototypes -Wold-style-definition -Wmissing-prototypes -Wwrite-strings \
	-Wcast-qual -Wpointer-arith -Wundef -Wvla -Walloca -Wformat=2 -Wimplicit-fallthrough \
	-Wnull-dereference -Wdouble-promotion -fno-common \
	-Werror=incompatible-pointer-types -Werror=implicit-function-declaration \
	-Werror=int-conversion
is_clang := $(findstring clang,$(notdir $(CC)))
ifdef is_clang
WARN += -Wcast-align -Wcomma -Wassign-enum -Wunreachable-code-aggressive
else
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Walloc-zero \
	-Wformat-signedness -Wstack-usage=16384 -Wcast-align=strict
endif
# Next year's compiler must still build a tarball.
ifneq ($(wildcard .git),)
WARN += -Werror
endif
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection=full)
ifndef is_clang
HARDEN += -ftrivial-auto-var-init=zero
endif
OPT_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN)
OPT_debug   := -O0 -g3
OPT_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
OPT_cov     := -O0 -g --coverage
LDOPT_release := -pie -Wl,-z,relro,-z,now
LDOPT_asan := -fsanitize=address,undefined
LDOPT_tsan := -fsanitize=thread
LDOPT_fuzz := -fsanitize=address,undefined
LDOPT_cov  := --coverage

PKGS := libxml-2.0 yaml-0.1 fdisk zlib
pkg_cflags := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
pkg_libs   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

CFLAGS  ?=
LDFLAGS ?=
ALL_CFLAGS  = $(STD) $(WARN) $(OPT_$(VARIANT)) $(pkg_cflags) -MMD -MP $(CFLAGS)
ALL_LDFLAGS = $(OPT_$(VARIANT)) $(LDOPT_$(VARIANT)) $(LDFLAGS)
LIBS        = $(pkg_libs) -pthread

# ---- sources: whatever stands in the folders ----
# x_linux.c and x_posix.c are the same contract twice: PORTABLE=1 takes the second.
lib_src  := $(filter-out %_$(if $(PORTABLE),linux,posix).c,\
	$(wildcard base/*.c analyze/*.c analyze/image/*.c analyze/config/*.c rules/*.c rewrite/*.c))
cli_src  := $(wildcard cli/*.c)
unit_src := $(wildcard tests/unit/test_*.c)
tool_src := $(wildcard tests/tools/*.c)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
lib_obj  := $(lib_src:%.c=$B/%.o)
cli_obj  := $(cli_src:%.c=$B/%.o)
units    := $(unit_src:tests/unit/%.c=$B/unit/%)
tools    := $(tool_src:tests/tools/%.c=$B/tools/%)
fuzzers  := $(fuzz_src:tests/fuzz/%.c=$B/fuzz/%)

.PHONY: all
all: $B/$(PROG)
ifeq ($B,build/release)
	$(Q)ln -f $< build/$(PROG)
endif

# Objects depend on the flags: changing CC or CFLAGS rebuilds.
flags_now := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(flags_now))' | cmp -s - $@ || echo '$(subst ','\'',$(flags_now))' > $@
FORCE:

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/libvmend.a: $(lib_obj)
	@rm -f $@
	@$(if $(V),,echo "  AR    $@")
	$(Q)ar rcs $@ $^

$B/$(PROG): $(cli_obj) $B/libvmend.a
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$B/unit/%: $B/tests/unit/%.o $B/libvmend.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$B/tools/%: $B/tests/tools/%.o $B/libvmend.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$B/fuzz/%: $B/tests/fuzz/%.o $B/libvmend.a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

.PHONY: units tools-built
units: $(units)
tools-built: $(tools)

.PHONY: check
check: all $(units) $(tools)
	$(Q)tests/run $B $(CASE)

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
