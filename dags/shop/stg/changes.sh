#!/usr/bin/env bash
# stg.changes: the change feed as it landed, by the day of each change
set -euo pipefail
. ./env.sh

ingest -d stg.changes --reject "$REJECTS" "$SHOP_SOURCE/cdc/$DT.ndjson"
