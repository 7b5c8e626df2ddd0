#!/usr/bin/env bash
# stg.app_log: the app log as it landed, by the day of each record; late lines go to their own day
set -euo pipefail
. ./env.sh

ingest -d stg.app_log --reject "$REJECTS" "$SHOP_SOURCE/log/$DT.ndjson"
