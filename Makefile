# Pipehouse.  `make deps` once (build packages), then `make`; `make demo` and `make check` do that themselves.
include config.mk

.SUFFIXES:
.DEFAULT_GOAL := all
ccname := $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),clang,gcc)
ROOMS = base in expr op out store cdc edge run
LIBSRC := $(foreach r,$(ROOMS),$(wildcard lib/$(r)/*.c))
CMDSRC := $(wildcard cmd/*.c)
BIN := $(patsubst cmd/%.c,%,$(CMDSRC))
UNIT := $(patsubst tests/lib/%.c,%,$(wildcard tests/lib/*_test.c))
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*_fuzz.c))
SAN =
# V=1 shows whole commands.
Q = $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-3s %s\n' $1 $(@:$O/%=%))
CPPFLAGS = -Ilib -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DVERSION='"$(VERSION)"'
CFLAGS = -std=c11 $(OPT) $(WARN) $(WARN_$(ccname)) $(HARDEN) $(HARDEN_$(ccname)) -ffile-prefix-map=$(CURDIR)=. $(SAN)
LDFLAGS = $(LINK) $(SAN)
LDLIBS = -lzstd -lz -lxxhash -lpcre2-8 -ljansson -lmd -lcrypto -lseccomp -lpthread

all: $(BIN:%=$O/bin/%) $O/bin/mock-shop

# A room's objects go into one archive, so a command links only what it calls; the outside is named where it is used.
LIBOBJ := $(LIBSRC:%.c=$O/%.o)
$O/lib.a: $(LIBOBJ)
	@rm -f $@
	$(call say,ar)
	$(Q)$(AR) rcs $@ $^

$O/%.o: %.c config.mk Makefile
	@mkdir -p $(@D)
	$(call say,cc)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(KERNEL) -MMD -MP -c -o $@ $<

# Under -fsanitize=address gcc 12 takes vectors of 64 bytes for aligned on a stack of its own that does not align them.
WIDE = $(if $(findstring address,$(SAN)),$(WIDE_$(ccname)))
WIDE_gcc = --param asan-use-after-return=0
$O/lib/base/sum_avx2.o: KERNEL = -mavx2 -O3
$O/lib/in/scan_avx2.o: KERNEL = -mavx2 -mbmi -mbmi2 -mpopcnt -O3
$O/lib/in/scan_avx512.o: KERNEL = -mavx512f -mavx512bw -mbmi -mbmi2 -mpopcnt -mtune=skylake-avx512 -O3 $(WIDE)
$O/lib/in/scan_gfni.o: KERNEL = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mavx512vbmi2 -mgfni -mvpclmulqdq \
	-mbmi -mbmi2 -mpopcnt -O3 $(WIDE)
$O/lib/in/scan_portable.o: KERNEL = -O3

$O/bin/mysql-extract $O/bin/mysql-load: EDGE = -lmariadb
$O/bin/wh-alert: EDGE = -lcurl
$O/bin/json-from-csv $O/bin/dimjoin: EDGE = -lcsv
$O/bin/emit $O/bin/ingest: EDGE = -lrdkafka
$O/bin/%: $O/cmd/%.o $O/lib.a
	@mkdir -p $(@D)
	$(call say,ld)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $O/lib.a $(EDGE) $(LDLIBS)

MOCK := $(wildcard demo/mock*.c)
$O/bin/mock-shop: $(MOCK:%.c=$O/%.o)
	@mkdir -p $(@D)
	$(call say,ld)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$O/tests/%: $O/tests/lib/%.o $O/lib.a
	$(call say,ld)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $O/lib.a -lmariadb -lcurl $(LDLIBS)

$O/tests/%_bench: $O/tests/bench/%_bench.o $O/lib.a
	$(call say,ld)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $O/lib.a $(LDLIBS)

units: $(UNIT:%=$O/tests/%) $O/tests/scan_dump

deps:
	@sh scripts/deps build
check:
	@sh scripts/deps check
	$(MAKE) all units
	@BIN=$(abspath $O)/bin O=$(abspath $O) sh tests/run
check-real:
	@sh scripts/deps real
	$(MAKE) all
	@BIN=$(abspath $O)/bin O=$(abspath $O) sh tests/run-real
demo:
	@sh scripts/deps demo
	$(MAKE) all
	@BIN=$(abspath $O)/bin bash demo/run $(abspath $O)/demo
bench:
	@sh scripts/deps bench
	$(MAKE) all
	@BIN=$(abspath $O)/bin O=$(abspath $O) sh tests/bench/run
bench-growth:
	@sh scripts/deps bench
	$(MAKE) all
	@PART=growth BIN=$(abspath $O)/bin O=$(abspath $O) sh tests/bench/run
# The whole check again under the sanitizers, in its own object directory.
SANFLAGS = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan:
	@sh scripts/deps check
	$(MAKE) O=$(O)-asan OPT= LINK=-pie HARDEN='-fPIE -U_FORTIFY_SOURCE' HARDEN_$(ccname)= SAN='$(SANFLAGS)' all units
	@BIN=$(abspath $(O)-asan)/bin O=$(abspath $(O)-asan) SANITIZED=1 sh tests/run
# kill -9 of anything in a job, of its broker and its database: 300 times in ten minutes; 5,000 times over jobs of a million records in some hours.
SEED = 1
fault fault-long:
	@sh scripts/deps real
	$(MAKE) all
	@BIN=$(abspath $O)/bin O=$(abspath $O) python3 tests/fault/stream.py --seed $(SEED) $(FAULT_$@)
FAULT_fault = --rounds 300 --records 100000
FAULT_fault-long = --rounds 5000 --records 1000000 --kills 50
# A barrier job under load: memory flat, lag bounded, sums exact; what each second was like is in $O/soak.ndjson.
SECONDS = 1200
RATE = 50000
soak:
	@sh scripts/deps check
	$(MAKE) all
	@BIN=$(abspath $O)/bin O=$(abspath $O) SECONDS=$(SECONDS) RATE=$(RATE) python3 tests/bench/soak.py
fuzz:
	@sh scripts/deps fuzz
	CC=clang O=$(O)-fuzz sh tests/fuzz/run

install: all
	BIN=$O/bin DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' MANPREFIX='$(MANPREFIX)' VERSION='$(VERSION)' sh scripts/install
uninstall:
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' MANPREFIX='$(MANPREFIX)' sh scripts/install -u
clean:
	rm -rf $O $(O)-asan $(O)-fuzz

.PHONY: all units deps check check-real demo bench bench-growth asan fault fault-long soak fuzz install uninstall clean
.SECONDARY:
-include $(LIBOBJ:.o=.d) $(CMDSRC:%.c=$O/%.d) $(MOCK:%.c=$O/%.d) $(UNIT:%=$O/tests/lib/%.d)
