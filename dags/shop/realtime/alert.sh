#!/usr/bin/env bash
# alert.sh: the end of a branch that alerts: to whoever SHOP_ALERT says is to know; where it says nobody, to nobody
set -euo pipefail

if [ -n "$SHOP_ALERT" ]; then
	exec wh-alert --config "$SHOP_ALERT" --dedupe 10m
fi
exec json-map -w FALSE
