#!/bin/sh
FROM=$(date --date='7 days ago' +%Y%m%d)
OPTS="-S -aec ARCHIVE -to 10"
query() {
    findscu $OPTS -k 0008,0052=SERIES -k "SeriesDate=$FROM-" -k 0020,000e pacs 104
}
query
