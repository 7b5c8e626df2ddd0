# shellcheck shell=bash
# Where the logs grow, where the answers go, and how far behind time may run: set in $PIPEHOUSE_ROOT/TENANT/shop.env.
#   SHOP_LIVE      the directory of app.log and changes.log (mock-shop --live writes one; with Kafka, -b and -t instead of -f)
#   SHOP_ADS_CNF   MySQL option file of the metrics database (mode 0600); SHOP_ADS_DB its name
#   SHOP_SOURCE_CNF, SHOP_SOURCE_DB   the same of the business database, for prepare.sh
#   SHOP_ALERT     the configuration of wh-alert; without it alerts stand in their tables only
#   RT_COUNTS      how jobs that count read: half a minute behind the newest record, so that stragglers count
#   RT_ALERTS      how jobs that alert read: two seconds
. "$PIPEHOUSE_ROOT/${PIPEHOUSE_TENANT:-main}/shop.env"
: "${SHOP_LIVE:?}" "${SHOP_ADS_CNF:?}" "${SHOP_ADS_DB:?}"
RT_COUNTS=${RT_COUNTS:---barriers 1s --event-time ts --late 30s --idle 1m --max-future 5m}
RT_ALERTS=${RT_ALERTS:---barriers 1s --event-time ts --late 2s --idle 10s --max-future 5m}
SHOP_ALERT=${SHOP_ALERT:-}
export SHOP_LIVE SHOP_ADS_CNF SHOP_ADS_DB SHOP_ALERT
