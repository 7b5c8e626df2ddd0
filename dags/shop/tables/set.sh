#!/usr/bin/env bash
# set.sh: say what each table is; what is said already makes no commit
set -euo pipefail

for spec in tables/[a-z]*.[a-z]*; do
	name=${spec#tables/}
	case $name in
	*.sh) ;;
	*) wh-table "$name" "$spec" >/dev/null ;;
	esac
done
