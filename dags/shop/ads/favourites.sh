#!/usr/bin/env bash
# ads.favourites: favourites made, by how many, and taken back
set -euo pipefail

wh-cat "dwd.favour@$DT" |
	window-agg 'added=count(* WHERE added)' 'users=distinct(user_id WHERE added)' \
		'cancelled=count(* WHERE cancelled)' |
	wh-put ads.favourites "dt=$DT"
