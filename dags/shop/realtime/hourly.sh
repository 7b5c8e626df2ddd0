#!/usr/bin/env bash
# hourly.sh: every layer of the day so far, by the night's own dag; from cron, each hour
# What the sources' files of the day have brought since the last hour is added to ods, and of dwd, dws and ads what changes by
# that is written anew.  So the night adds the last hour, and its rows are those of one run over the whole day.
set -euo pipefail
cd "$(dirname "$0")"

exec dag-run ../nightly.dag --date "${1:-today}" -j 2
