#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mariadb - a private MariaDB in a directory, on a Unix socket, for tests and the demo
#
#	sh tests/mariadb.sh start DIR [SERVER-OPTION ...]	# makes DIR/data on first use; ready when it returns
#	mysql-extract --defaults-file DIR/client.cnf ...	# DIR/client.cnf (0600): socket, user, password
#	mariadb --defaults-file=DIR/client.cnf -e 'SELECT 1'
#	sh tests/mariadb.sh stop DIR				# ends it by its pid; the data stay
#	sh tests/mariadb.sh crash DIR				# kill -9
#
# No network (give --skip-networking=0 --bind-address=127.0.0.1 --port=N for one), no files but those in DIR, nothing of the host's
# configuration.  MARIADB_SYNC=1 makes each commit durable against a crash of the machine; a kill -9 loses nothing either way.
set -eu

usage() {
	echo 'usage: sh tests/mariadb.sh start|stop|crash DIR [SERVER-OPTION ...]' >&2
	exit 2
}
[ $# -ge 2 ] || usage
what=$1 dir=$2
shift 2
PATH=$PATH:/usr/sbin	# where Debian has the server, and not in every user's path
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

# The pid of our server, if it runs: a number in a file alone proves nothing.
running() {
	[ -s "$dir/pid" ] || return 1
	pid=$(cat "$dir/pid")
	tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "--datadir=$dir/data"
}
gone() {
	i=0
	while running; do
		i=$((i + 1))
		[ $i -le 1200 ] || { echo "mariadb.sh: pid $pid does not end" >&2; exit 1; }
		sleep 0.05
	done
	rm -f "$dir/pid"
}

case $what in
start)
	if running; then
		echo "mariadb.sh: already running in $dir" >&2
		exit 1
	fi
	socket=$dir/s
	if [ ${#socket} -gt 100 ]; then		# sun_path holds 107
		[ -s "$dir/socket-dir" ] || mktemp -d /tmp/mariadb.XXXXXX >"$dir/socket-dir"
		socket=$(cat "$dir/socket-dir")/s
	fi
	user=$(id -un)
	if [ ! -d "$dir/data/mysql" ]; then
		rm -rf "$dir/data" "$dir/data.new"	# an install that was cut off
		TMPDIR=$dir mariadb-install-db --no-defaults --user="$user" --datadir="$dir/data.new" --auth-root-authentication-method=normal \
			--skip-test-db --skip-name-resolve >"$dir/install.log" 2>&1 || { cat "$dir/install.log" >&2; exit 1; }
		mv "$dir/data.new" "$dir/data"
	fi
	(umask 077 && printf '[client]\nsocket = "%s"\nuser = root\n' "$socket" >"$dir/client.cnf")
	# What no option asks for: a small server that starts fast.
	mariadbd --no-defaults --user="$user" --datadir="$dir/data" --tmpdir="$dir" --socket="$socket" --pid-file="$dir/server.pid" \
		--skip-networking --skip-name-resolve --character-set-server=utf8mb4 --performance-schema=OFF \
		--innodb-buffer-pool-size=64M --innodb-log-file-size=48M --innodb-flush-log-at-trx-commit="${MARIADB_SYNC:-2}" \
		--innodb-fast-shutdown=1 "$@" </dev/null >>"$dir/server.log" 2>&1 &
	echo $! >"$dir/pid"
	i=0
	until mariadb --no-defaults --socket="$socket" --user=root -e 'SELECT 1' >/dev/null 2>&1; do
		i=$((i + 1))
		# on a busy machine it is a while until the child is the server
		if [ $i -gt 1200 ] || { [ $i -gt 100 ] && ! running; }; then
			echo "mariadb.sh: the server does not start:" >&2
			tail -n 20 "$dir/server.log" >&2
			exit 1
		fi
		sleep 0.05
	done ;;
stop)
	if running; then
		kill "$pid"
		gone
	fi
	if [ -s "$dir/socket-dir" ]; then
		rm -rf "$(cat "$dir/socket-dir")" "$dir/socket-dir"
	fi ;;
crash)
	if running; then
		kill -9 "$pid"
		gone
	fi ;;
*)	usage ;;
esac
