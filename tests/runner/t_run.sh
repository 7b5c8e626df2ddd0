#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# t_run - what judges the tests is tested: tests/run and tests/cases.py must see what is wrong
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT || exit 1
n=0 failed=0
mkdir -p "$dir/tests/lib" "$dir/build/tests" && cp "$top/tests/run" "$dir/tests/" || exit 1

# is TITLE WANTED-STATUS WANTED-LAST-LINE
is() {
	n=$((n + 1))
	if [ "$status" = "$2" ] && [ "$last" = "$3" ]; then
		echo "ok $n - $1"
	else
		failed=$((failed + 1))
		echo "not ok $n - $1"
		echo "#   status $status, wanted $2; last line \"$last\", wanted \"$3\""
		sed 's/^/#   /' "$dir/out"
	fi
}
run() {
	printf '%s\n' "$@" >"$dir/tests/PARTS"
	(cd "$dir" && unset O BIN SANITIZED LOG && SANITIZED=${san:-} O=build sh tests/run) >"$dir/out" 2>&1
	status=$?
	last=$(tail -n 1 "$dir/out")
}

run "a 60 check echo 'ok 1'; echo 'ok 2 - x # SKIP y'; echo 1..2" "b 60 check echo 1..1; echo 'ok 1'"
is 'points of all parts are summed' 0 '3 passed, 0 failed'
run "a 60 check echo 'ok 1'; echo 'not ok 2 - no'; echo '#   why'; echo 1..2; exit 1"
is 'a point that failed' 1 '1 passed, 1 failed'
n=$((n + 1)); grep -q why "$dir/out" && echo "ok $n - its diagnostics are shown" || echo "not ok $n - its diagnostics are shown"
run "a 60 check true"
is 'no TAP at all' 1 '0 passed, 1 failed'
run "a 60 check echo 1..0"
is 'a plan of nothing' 1 '0 passed, 1 failed'
run "a 60 check echo '1..0 # SKIP no server here'" "b 60 check echo 1..1; echo 'ok 1'"
is 'a part that says why it cannot run' 0 '1 passed, 0 failed'
n=$((n + 1)); grep -q 'LEFT OUT.*a .*no server here' "$dir/out" && echo "ok $n - is left out aloud" || echo "not ok $n - is left out aloud"
run "a 60 check echo 'not ok 1'; echo '1..0 # SKIP no server here'"
is 'a part that fails and calls it a skip' 1 '0 passed, 2 failed'
run "a 60 check echo 'ok 1'; echo 1..4"
is 'fewer points than planned' 1 '1 passed, 3 failed'
run "a 60 check echo 'ok 1'"
is 'no plan' 1 '1 passed, 1 failed'
run "a 60 check echo 'ok 1'; echo 1..1; exit 99"
is 'points held, but it ended badly' 1 '1 passed, 1 failed'
run "a 4 check echo 'ok 1'; python3 -c 'import time; time.sleep(300)'; echo 1..1"
is 'a part over its time' 1 '1 passed, 1 failed'
n=$((n + 1)); grep -q 'stopped after 4 s' "$dir/out" && grep -q 'File "<string>", line 1' "$dir/out" && echo "ok $n - where it hung is shown" ||
	echo "not ok $n - where it hung is shown"
run "a 60 check no-such-program-here"
is 'a part that is not there' 1 '0 passed, 1 failed'
run "a 60 real echo 'ok 1'; echo 1..1"
is 'nothing to run is not success' 1 '0 passed, 0 failed'
san=1 run "a 60 check-plain echo 'not ok 1'; echo 1..1" "b 60 check echo 'ok 1'; echo 1..1"
is 'what cannot run under sanitizers is left out' 0 '1 passed, 0 failed'
n=$((n + 1)); grep -q 'left out.*: a' "$dir/out" && echo "ok $n - and that is said" || echo "not ok $n - and that is said"
echo 'int main(void){return 0;}' >"$dir/tests/lib/x_test.c"
run "unit 60 check -"
is 'a unit test that was not built' 1 '0 passed, 1 failed'

cases() {
	cat >"$dir/x.t"
	python3 "$top/tests/cases.py" "$@" "$dir/x.t" >"$dir/out" 2>&1
	status=$?
	last=$(grep -c '^not ok' "$dir/out")
}
cases <<'E'
# holds
$ cat; echo err >&2; exit 3
< a b
> a b
! err
? 3

# also without standard input, more lines may follow
$ seq 9
> 1
> ...
E
is 'cases that hold' 0 0
for wrong in '> a' '! a' '? 1'; do
	cases <<E
# does not hold
$ true
$wrong
E
	is "a case with a wrong $wrong" 1 1
done
cases <<'E'
# no newline at the end is no newline
$ printf a
> a
E
is 'a missing last newline is seen' 1 1
cases </dev/null
is 'no case is not success' 1 0
CASE_TIMEOUT=2 cases <<'E'
# a case that hangs is killed with all it started
$ sleep 300 | sleep 300
E
is 'a case that hangs' 1 1
cases -u <<'E'
# head

# rewritten
$ printf 'x\n\ny\n'; exit 4
> z
E
is '-u takes what came' 0 0
status=0 last=$(sed -n '3,$p' "$dir/x.t" | tr '\n' '|')
# shellcheck disable=SC2016  # as it stands in the file
is '-u writes the file' 0 '# rewritten|$ printf '"'x\\n\\ny\\n'"'; exit 4|> x|> |> y|? 4|'
echo "1..$n"
[ "$failed" = 0 ]
