#!/usr/bin/env bash
# hourly.sh: every layer of the day so far, by the night's own dag; from cron, each hour
# What the sources' files of the day have brought since the last hour is added to ods, and of dwd, dws and ads what changes by
# that is written anew.  So the night adds the last hour, and its rows are those of one run over the whole day.
set -euo pipefail
cd "$(dirname "$0")"

day=${1:-$(date +%F)}
status=0
dag-run ../nightly.dag --date "$day" -j 2 || status=$?
# a night without orders is a fault, a morning is not
if [ "$status" -ne 0 ] && [ -z "$(wh-cat --missing-ok "ods.order_info@$day" | head -n 1)" ]; then
	echo "hourly: no order of $day has come yet: what is made of orders begins with the first one" >&2
fi
exit "$status"
