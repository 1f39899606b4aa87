# A thin front: Meson builds, this file knows what people want. `make help` lists it.
BUILD ?= build
PREFIX ?= /usr/local
PYTEST = /usr/bin/python3 -m pytest -p no:cacheprovider

.PHONY: help demo build test sanitize fuzz golden captures bench lint format install clean setup-build setup-test setup-bench

help:
	@echo 'make demo       build, and show TCP connections open, talk and close'
	@echo 'make build      build $(BUILD)/woshou'
	@echo 'make test       all tests'
	@echo 'make sanitize   the unit tests under address, undefined and thread sanitizers'
	@echo 'make fuzz       every fuzz target, SECONDS each (default 10)'
	@echo 'make golden     write the golden files anew; look at the difference before you commit'
	@echo 'make captures   play the tests'\'' own captures anew; then make golden'
	@echo 'make bench      benchmarks against peers; NAME=hello for one'
	@echo 'make lint       format and static checks'
	@echo 'make format     format the sources'
	@echo 'make install    into PREFIX (default /usr/local), DESTDIR honoured'
	@echo 'make clean      away with $(BUILD)'

setup-build:
	@tools/setup build

setup-test:
	@tools/setup test

setup-bench:
	@tools/setup bench

# The tests are part of the build where they can be built: cmocka is there once `make test` was.
build: setup-build
	@tools/configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD) $(NINJAFLAGS) woshou woshou-gmo >$(BUILD)/build.log || { cat $(BUILD)/build.log; exit 1; }

demo: build
	@$(BUILD)/woshou demo --out $(BUILD) $(DEMOFLAGS)

test: setup-test
	@tools/configure $(BUILD) -Dprefix=$(PREFIX) -Dtests=true
	@ninja -C $(BUILD) $(NINJAFLAGS) >$(BUILD)/build.log || { cat $(BUILD)/build.log; exit 1; }
	meson test -C $(BUILD) --no-rebuild --print-errorlogs
	WOSHOU_BUILD=$(abspath $(BUILD)) WOSHOU=$(abspath $(BUILD))/woshou $(PYTEST) -q -rs --junitxml=$(BUILD)/pytest.xml test

sanitize: setup-test
	@tools/configure $(BUILD)-asan -Dtests=true -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C $(BUILD)-asan >$(BUILD)-asan/build.log || { cat $(BUILD)-asan/build.log; exit 1; }
	meson test -C $(BUILD)-asan --no-rebuild --print-errorlogs --timeout-multiplier 3
	@tools/configure $(BUILD)-tsan -Dtests=true -Db_sanitize=thread -Db_lundef=false
	ninja -C $(BUILD)-tsan >$(BUILD)-tsan/build.log || { cat $(BUILD)-tsan/build.log; exit 1; }
	meson test -C $(BUILD)-tsan --no-rebuild --print-errorlogs --timeout-multiplier 3

SECONDS ?= 10
fuzz:
	fuzz/run $(SECONDS)

golden: setup-test
	@tools/configure $(BUILD) -Dtests=true
	@ninja -C $(BUILD) $(NINJAFLAGS) >$(BUILD)/build.log || { cat $(BUILD)/build.log; exit 1; }
	WOSHOU_UPDATE_GOLDEN=1 meson test -C $(BUILD) --no-rebuild --suite draw --print-errorlogs
	WOSHOU_UPDATE_GOLDEN=1 WOSHOU=$(abspath $(BUILD))/woshou $(PYTEST) -q test/test_own_captures.py -k golden

# Plays the scenes of the project's own captures anew; their goldens then want make golden, and both want
# to be looked at. Two hosts of our own are needed.
captures: setup-test
	@tools/configure $(BUILD) -Dtests=true
	@ninja -C $(BUILD) $(NINJAFLAGS) src/lab/make-captures >$(BUILD)/build.log || { cat $(BUILD)/build.log; exit 1; }
	$(BUILD)/src/lab/make-captures test/captures

bench: setup-bench
	@tools/configure $(BUILD)-bench -Dprefix=$(PREFIX) -Dtests=false -Dbench=true -Dbuildtype=release -Db_ndebug=true
	@ninja -C $(BUILD)-bench $(NINJAFLAGS) woshou woshou-bench >$(BUILD)-bench/build.log || { cat $(BUILD)-bench/build.log; exit 1; }
	@BUILD=$(BUILD)-bench RESULTS=$(BUILD)/bench bench/run $(NAME)

lint:
	tools/lint $(BUILD)

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: build
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-bench $(BUILD)-fuzz $(BUILD)-lint
