#!/usr/bin/env bash
# ads.order_channel: orders, buyers and amount by the channel of the order
set -euo pipefail

wh-cat "dws.trade_channel_1d@$DT" |
	wh-put ads.order_channel "dt=$DT"
