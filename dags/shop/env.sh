# shellcheck shell=sh
# Where the sources are and how the databases are reached: set once in $PIPEHOUSE_ROOT/TENANT/shop.env,
# for cron has no environment.
#   SHOP_SOURCE      the directory with log/DAY.ndjson, cdc/DAY.ndjson, api/DAY.ndjson and csv/NAME-DAY.csv
#   SHOP_SOURCE_CNF  MySQL option file of the business database (mode 0600); SHOP_SOURCE_DB its name
#   SHOP_ADS_CNF     the same of the metrics database; SHOP_ADS_DB its name
. "$PIPEHOUSE_ROOT/${PIPEHOUSE_TENANT:-main}/shop.env"
: "${SHOP_SOURCE:?}" "${SHOP_SOURCE_CNF:?}" "${SHOP_SOURCE_DB:?}" "${SHOP_ADS_CNF:?}" "${SHOP_ADS_DB:?}"
REJECTS=$PIPEHOUSE_RUN/rejects.ndjson
