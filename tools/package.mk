# Packages. `make install DESTDIR= PREFIX=`; `make dist`: the sources of HEAD; `make tarball`: the
# program and all that install installs, for machines without its libraries; `make deb`: a Debian
# package. All of them end up in build/, and two builds of one commit are the same.
# SPDX-License-Identifier: Apache-2.0
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR  ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d
release := $(PROG)-$(VERSION)

# What the tables of options, keys and rules say, for people and shells.
pages := $B/share/$(PROG).1 $B/share/$(PROG)-policy.5 $B/share/$(PROG)-rules.7
shells := $B/share/bash $B/share/zsh $B/share/fish
$B/share/%: $B/tools/manual
	@mkdir -p $(@D)
	@$(if $(V),,echo "  GEN   $@")
	$(Q)$< $(@F) >$@

.PHONY: install shared dist tarball deb
shared: $(pages) $(shells)

put = install -d '$(DESTDIR)$(2)' && install -m $(or $(4),644) $(1) '$(DESTDIR)$(2)/$(3)'
install: all shared
	$(call put,$B/$(PROG),$(BINDIR),$(PROG),755)
	$(call put,$B/share/$(PROG).1,$(MANDIR)/man1,)
	$(call put,$B/share/$(PROG)-policy.5,$(MANDIR)/man5,)
	$(call put,$B/share/$(PROG)-rules.7,$(MANDIR)/man7,)
	$(call put,$B/share/bash,$(BASHDIR),$(PROG))
	$(call put,$B/share/zsh,$(ZSHDIR),_$(PROG))
	$(call put,$B/share/fish,$(FISHDIR),$(PROG).fish)
	$(call put,docs/vmend.schema.json tools/ci/vmend-matcher.json,$(DATADIR)/$(PROG),)

dist:
	$(Q)mkdir -p build
	git archive --prefix=$(release)/ -o build/$(release).tar.gz HEAD

tarball:
	$(Q)tools/deps build
	$(Q)$(again) install STATIC=1 PREFIX= DESTDIR='$(CURDIR)/build/tarball/$(release)-linux-$(shell uname -m)'
	$(Q)tools/tarball build/tarball/$(release)-linux-$(shell uname -m)

deb:
	$(Q)tools/deps build deb
	$(Q)tools/deb

# The package in a system that has nothing else; needs root, debootstrap and a mirror.
.PHONY: check-chroot
check-chroot: deb
	$(Q)tests/chroot/run build/$(PROG)_$(VERSION)_*.deb
