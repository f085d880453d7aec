# What the scripts in this folder share. They read it; it does nothing alone.
# shellcheck shell=bash

work=$(mktemp -d)

# memory is a folder in memory, for what is written and soon forgotten; "" where there is
# none, or too little room in it, or one from which no program may be started.
memory=
if [ "$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')" -gt 2000000 ] 2>/dev/null; then
	memory=$(mktemp -d /dev/shm/goaltrack.XXXXXX)
	cp "$(type -P true)" "$memory/true" && "$memory/true" || {
		rm -rf "$memory"
		memory=
	}
fi

title=
began=0
worked=0
step() { # step TITLE: ends the step before, and says how long it took, and how much of that the processors worked
	local now
	now=$(processors)
	[ -z "$title" ] || printf -- '-- %s: %d s%s\n' "$title" $((SECONDS - began)) "${now:+, $(((now - worked) / 100)) s of the processors}"
	title=$*
	began=$SECONDS
	worked=$now
	printf '\n== %s\n' "$title"
}

# processors says how long all processors of this machine have worked, for whomever, in
# hundredths of a second; nothing where there is no /proc. Less than the time that passed,
# times their number, means that something waited; see proc_stat(5).
processors() {
	local user nice system irq softirq
	read -r _ user nice system _ _ irq softirq _ 2>/dev/null </proc/stat || return 0
	echo $((user + nice + system + irq + softirq))
}

clean() { # clean WHAT COMMAND...: the command must print nothing
	local what=$1 out
	shift
	out=$("$@") || { printf '%s\n' "$out"; echo "$what failed"; exit 1; }
	[ -z "$out" ] || { printf '%s\n' "$out"; echo "$what: the above is to be changed"; exit 1; }
}

modules() { # the folders of all modules, this one first
	find . -name node_modules -prune -o -name testdata -prune -o -name go.mod -print | sed 's|/go\.mod$||' | sort
}

# What runs beside the steps: the process group of each, by its name. They end with the script.
declare -A running=()

beside() { # beside NAME COMMAND...: starts it, and goes on
	set -m # in a process group of its own, which can be ended as a whole
	"${@:2}" >"$work/$1" 2>&1 </dev/null &
	running[$1]=$!
	set +m
}

ended() { # ended NAME: waits for it, says what it said, and fails if it failed
	local code=0
	wait "${running[$1]}" || code=$?
	unset "running[$1]"
	cat "$work/$1"
	return "$code"
}

end() {
	local group
	for group in "${running[@]}"; do
		kill -- "-$group" 2>/dev/null || true
	done
	rm -rf "$work" ${memory:+"$memory"}
}
trap end EXIT
trap 'exit 130' INT TERM

# fuzz HOW_LONG [PART]: runs each fuzz target, or those with PART in their name, so
# often ("2000x") or so long ("10m"). Each package is compiled once for all of its
# targets. What a run finds interesting stays in Go's cache for the next. Goes on
# after a target that fails, and counts them in fuzzed and fuzz_failed.
fuzz() {
	local how_long=$1 names="Fuzz[A-Z].*${2:-}" folder binary target cache log=$work/fuzz.log
	fuzzed=0 fuzz_failed=0
	while read -r folder; do
		binary=$work/$(tr / _ <<<"$folder").test
		cache=$(go env GOCACHE)/fuzz/$(cd "$folder" && go list .)
		(cd "$folder" && go test -c -fuzz . -o "$binary" .)
		for target in $(cd "$folder" && "$binary" -test.list "^$names"); do
			fuzzed=$((fuzzed + 1))
			if (cd "$folder" && "$binary" -test.paniconexit0 -test.run '^$' -test.fuzz "^$target\$" \
				-test.fuzztime "$how_long" -test.fuzzminimizetime 10x -test.fuzzcachedir "$cache") >"$log" 2>&1; then
				echo "$target: $(grep '^fuzz: elapsed' "$log" | tail -n 1)"
			elif ! grep -q 'Failing input written' "$log" && grep -q '^ *context deadline exceeded' "$log"; then
				# Its time was up while it worked, which is no fault of it: https://go.dev/issue/75804.
				echo "$target: $(grep '^fuzz: elapsed' "$log" | tail -n 1) (its time was up)"
			else
				cat "$log"
				fuzz_failed=$((fuzz_failed + 1))
			fi
		done
	done < <(grep -rlE "^func $names\(" --include='*_test.go' --exclude-dir=node_modules . | xargs -r -n 1 dirname | sort -u)
}
