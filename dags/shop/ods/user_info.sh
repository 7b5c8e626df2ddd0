#!/usr/bin/env bash
# ods.user_info: the changes of users that came tonight, each to the day it was made; one told twice counts once
set -euo pipefail

wh-cat "stg.changes@$DT" |
	cdc-norm --table user_info |
	json-map -w 'key IS NOT NULL' |
	wh-put ods.user_info
