#!/usr/bin/env bash
# stg.order_api: the orders as the interface of gifts and live shows handed them over tonight
set -euo pipefail
. ./env.sh

ingest -d stg.order_api --partition-by ':day' --arg day="$DT" --reject "$REJECTS" "$SHOP_SOURCE/api/$DT.ndjson"
