#!/usr/bin/env bash
# ods.refund_payment: the changes that came tonight, each row to the day it was made; the newest of a key counts
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table refund_payment |
	cdc-merge -k id --deletes mark --ord ord |
	wh-put ods.refund_payment
