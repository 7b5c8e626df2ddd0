# What a packager may want to change; all of it can be given on make's command line.
VERSION = 0.1.0
PREFIX = /usr/local
MANPREFIX = $(PREFIX)/share/man
DESTDIR =
CC = gcc
O = build
OPT = -O2 -g

# Flags that every compiler we use knows.
WARN = -Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion -Wimplicit-fallthrough -Wshadow -Wvla \
 -Wnull-dereference -Wstrict-prototypes -Wno-missing-field-initializers \
 -Werror=format-security -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type
HARDEN = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
 -fcf-protection=full -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow \
 -fno-strict-aliasing -fexceptions -fPIE
LINK = -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,-z,separate-code -Wl,--as-needed \
 -Wl,--no-copy-dt-needed-entries

# What only gcc, or only clang, knows.
WARN_gcc = -Walloca -Wduplicated-cond -Wlogical-op -Wjump-misses-init -Wtrampolines -Wbidi-chars=any
WARN_clang = -Wno-gnu-zero-variadic-macro-arguments -Wno-unused-command-line-argument
HARDEN_clang = -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
HARDEN_gcc =
