#!/usr/bin/env bash
# ads.sales: sales by province and channel
set -euo pipefail

wh-cat "dws.trade_province_1d@$DT" |
	wh-put ads.sales "dt=$DT"
