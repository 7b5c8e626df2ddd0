#!/usr/bin/env bash
# ads.new_users: who registered, by where they came from
set -euo pipefail

wh-cat "dws.user_register_1d@$DT" |
	wh-put ads.new_users "dt=$DT"
