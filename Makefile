# vmend. `make` builds build/vmend, `make check` runs every test, `make check-boot` starts VMs, `make
# demo` shows it at work, `make lint` reads the code, `make install DESTDIR= PREFIX=` installs it.
# VARIANT=release|debug|asan|tsan|fuzz|cov, each in a folder of its own; CC=clang works as
# well; PORTABLE=1 builds with POSIX.1-2008 alone, without libfdisk; V=1 shows commands.
# check, check-all, check-boot, demo and lint install what they miss through tools/deps.

PROG    := vmend
VERSION := $(shell cat VERSION)
VARIANT ?= release
PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz,$(VARIANT)),clang,$(if $(shell command -v gcc),gcc,cc))
endif
B := build/$(VARIANT)$(if $(filter-out gcc cc,$(notdir $(CC))),-$(notdir $(CC)))$(if $(PORTABLE),-portable)$(if $(STATIC),-static)
NPROC := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
# A goal that calls make again does it with all cores, unless it was told how many.
again = $(MAKE) --no-print-directory $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(NPROC))

# ---- what a goal needs ----
# These look for what they need by themselves, or need nothing.
SELF_SUFFICIENT := check check-all check-boot demo lint analyze fuzz coverage clean dist tarball deb check-chroot
building := $(filter-out $(SELF_SUFFICIENT),$(or $(MAKECMDGOALS),all))

PKGS := libxml-2.0 jansson yaml-0.1 zlib libzstd libmd $(if $(PORTABLE),,fdisk)
ifneq ($(building),)
PKG_CONFIG ?= pkg-config
missing := $(shell for p in $(PKGS); do $(PKG_CONFIG) --exists $$p || echo $$p; done 2>/dev/null)
ifneq ($(missing),)
$(error pkg-config does not find $(missing): `tools/deps build` installs what the build needs)
endif
pkg_cflags := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PKGS)))
pkg_libs   := $(shell $(if $(STATIC),tools/static-libs $(PKG_CONFIG),$(PKG_CONFIG) --libs) $(PKGS))
endif

# ---- flags ----
STD  := -std=c17 -D_XOPEN_SOURCE=700 $(if $(PORTABLE),-DVMEND_PORTABLE,-D_GNU_SOURCE) \
	-D_FILE_OFFSET_BITS=64 -I. -DVMEND_VERSION='"$(VERSION)"'
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

# Each is tried once per build folder; what this compiler or linker refuses is left out.
HARDEN_WANTED := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero -fPIE -pie -Wl,-z,relro -Wl,-z,now
$B/hardening.mk: Makefile
	@mkdir -p $(@D)
	@printf '#include <stdio.h>\nint main(void) { return puts(""); }\n' >$(@D)/probe.c
	@for f in $(HARDEN_WANTED); do \
		kind=HARDEN; case $$f in -Wl,* | -pie) kind=HARDEN_LINK ;; esac; \
		$(CC) -O2 -Werror -U_FORTIFY_SOURCE -fPIE $$f -o $(@D)/probe $(@D)/probe.c \
			2>/dev/null && echo "$$kind += $$f"; done >$@; rm -f $(@D)/probe*
ifneq ($(and $(building),$(filter release,$(VARIANT))),)
-include $B/hardening.mk
endif

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_release := -O2 -g -U_FORTIFY_SOURCE $(HARDEN)
OPT_debug   := -O0 -g3
OPT_asan    := -O1 -g $(SANITIZE)
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_fuzz    := -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link
OPT_cov     := -O0 -g --coverage
ifeq ($(OPT_$(VARIANT)),)
$(error VARIANT=$(VARIANT): expected release, debug, asan, tsan, fuzz or cov)
endif

CFLAGS  ?=
LDFLAGS ?=
# No folder of this machine: two builds of one commit are the same.
ALL_CFLAGS  = $(STD) $(WARN) $(OPT_$(VARIANT)) $(pkg_cflags) -MMD -MP \
	-ffile-prefix-map='$(CURDIR)'=. $(CFLAGS)
ALL_LDFLAGS = $(OPT_$(VARIANT)) $(HARDEN_LINK) $(LDFLAGS)
LIBS        = $(pkg_libs) -pthread

# ---- sources: whatever stands in the folders; x_posix.c is x_linux.c without Linux ----
lib_src  := $(filter-out $(if $(PORTABLE),%_linux.c,%_posix.c),$(wildcard base/*.c \
	analyze/*.c analyze/image/*.c analyze/config/*.c rules/*.c rewrite/*.c))
cli_src  := $(wildcard cli/*.c)
unit_src := $(wildcard tests/unit/test_*.c)
tool_src := $(wildcard tests/tools/*.c)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
lib_obj  := $(lib_src:%.c=$B/%.o) $B/examples.o
cli_obj  := $(cli_src:%.c=$B/%.o)
units    := $(unit_src:tests/unit/%.c=$B/unit/%)
tools    := $(tool_src:tests/tools/%.c=$B/tools/%)
fuzzers  := $(fuzz_src:tests/fuzz/%.c=$B/fuzz/%)
# The further files of a tool are in a folder of its name.
$(foreach t,$(tools),$(eval $t: \
	$(patsubst %.c,$B/%.o,$(wildcard $(t:$B/%=tests/%)/*.c))))

all: $B/$(PROG)
ifeq ($(VARIANT)$(PORTABLE)$(STATIC),release)
	$(Q)ln -f $< build/$(PROG)
endif

# Objects depend on the flags: changing CC or CFLAGS rebuilds.
flags_now := $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$B/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(flags_now))' | cmp -s - $@ || echo '$(subst ','\'',$(flags_now))' >$@
.PHONY: FORCE

# Tests run on Linux, whatever the program is built for.
$B/tests/%.o: ALL_CFLAGS += -D_GNU_SOURCE

$B/%.o: %.c $B/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# What `explain` shows are cases of the corpus.
$B/examples.c: tools/examples $(wildcard corpus/*/bad-*/expect.* corpus/*/ok-*/in.*)
	$(Q)mkdir -p $(@D) && tools/examples >$@.new && mv $@.new $@
$B/examples.o: $B/examples.c $B/flags
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$B/lib$(PROG).a: $(lib_obj)
# For the unit tests: all but main().
$B/libcli.a: $(filter-out $B/cli/main.o,$(cli_obj))
$B/lib$(PROG).a $B/libcli.a:
	@rm -f $@
	@$(if $(V),,echo "  AR    $@")
	$(Q)ar rcs $@ $^


$B/$(PROG): $(cli_obj) $B/lib$(PROG).a
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$B/unit/%: $B/tests/unit/%.o $B/libcli.a $B/lib$(PROG).a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

$B/tools/%: $B/tests/tools/%.o $B/lib$(PROG).a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$B/fuzz/%: $B/tests/fuzz/%.o $B/lib$(PROG).a
	@mkdir -p $(@D)
	@$(if $(V),,echo "  LD    $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# ---- tests ----
.PHONY: all units tools tested check check-all check-boot bless coverage fuzz fuzzers bench demo
units: $(units)
tools: $(tools)
fuzzers: $(fuzzers)

# CASE=word: only tests, or corpus cases, whose name contains it.
tested: all units tools
	$(Q)tests/run $B $(CASE)

check:
	$(Q)tools/deps build test
	$(Q)$(again) tested

check-all:
	$(Q)tools/deps build test
	$(Q)$(again) tested VARIANT=asan CC=clang
	$(Q)$(again) tested VARIANT=tsan CC=gcc

check-boot:
	$(Q)tools/deps build test boot
	$(Q)$(again) all $B/tools/mkimg
	$(Q)tests/boot/run $B $(CASE) && VMEND_BUILD=$(CURDIR)/$B tests/oracle/libvirt.sh

# CASE=rule-id/case: writes that case's expectations anew from what vmend says now.
bless: all tools
	$(Q)VMEND_BUILD=$(CURDIR)/$B tests/corpus.sh --bless $(CASE)

coverage:
	$(Q)$(again) tested VARIANT=cov CC=gcc
	$(Q)find build/cov -path '*/tests' -prune -o -name '*.gcda' -print | xargs gcov -n -r | \
		awk '/^File/ { f = $$2 } /^Lines/ { split($$2, p, /[:%]/); n += $$4; \
		hit += p[2] * $$4 / 100; print p[2] "%\t" f } \
		END { printf "%.1f%%\tof %d lines\n", 100 * hit / n, n }' | sort -n

fuzz:
	$(Q)tools/deps build clang
	$(Q)$(again) fuzzers tools VARIANT=fuzz CC=clang
	$(Q)tests/fuzz/run build/fuzz-clang $(FUZZ_SECONDS)

bench:
	$(Q)$(again) all tools
	$(Q)tests/bench/run $B

demo:
	$(Q)tools/deps build
	$(Q)$(again) all $B/tools/mkimg
	$(Q)tools/demo $B

# ---- reading the code ----
.PHONY: lint lint-read docs analyze clang-tidy cppcheck gcc-analyzer clean
lint:
	$(Q)tools/deps build lint
	$(Q)$(again) lint-read

lint-read: $B/lib$(PROG).a $B/tools/rules_md
	$(Q)LINT=1 tests/run $B layering

docs: $B/tools/rules_md $B/$(PROG) $B/tools/mkimg
	$(Q)$< docs
	$(Q)tools/stories $B >docs/stories.md && tools/picture $B >docs/run.svg

# Slower readers, for before a review. Each says nothing when it has nothing against it.
analyze:
	$(Q)tools/deps build clang analyze
	$(Q)$(again) clang-tidy cppcheck gcc-analyzer
clang-tidy:
	$(Q)printf '%s\n' $(lib_src) $(cli_src) | xargs -P$(NPROC) -I{} \
		clang-tidy --quiet --warnings-as-errors='*' {} -- $(STD) $(pkg_cflags) 2>/dev/null
cppcheck:
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr \
		--library=tests/lib/cppcheck.cfg -DLIBXML_SCHEMAS_ENABLED --error-exitcode=1 -j$(NPROC) \
		$(filter -D% -I%,$(STD)) $(lib_src) $(cli_src)
gcc-analyzer:
	$(Q)printf '%s\n' $(lib_src) $(cli_src) | xargs -P$(NPROC) -I{} \
		gcc $(STD) $(pkg_cflags) -O1 -fanalyzer -Werror -S -o /dev/null {}

include tools/package.mk

clean:
	rm -rf build

-include $(shell find $B -name '*.d' 2>/dev/null)
