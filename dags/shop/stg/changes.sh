#!/usr/bin/env bash
# stg.changes: the change feed as it landed tonight, whatever days it tells of
set -euo pipefail
. ./env.sh

ingest -d stg.changes --partition-by ':day' --arg day="$DT" --reject "$REJECTS" "$SHOP_SOURCE/cdc/$DT.ndjson"
