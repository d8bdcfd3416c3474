#!/bin/sh
# Studies of yesterday and of today, as CSV for the statistics.
PACS=pacs.example.org
PORT=11112
AET=STATS
YESTERDAY=$(date -d yesterday +%Y%m%d)
TODAY=`date +%Y%m%d`

findscu -S -aet $AET -aec ARCHIVE \
    -k 0008,0052=STUDY \
    -k "StudyDate=$YESTERDAY-$TODAY" \
    -k PatientsName -k 0008,0061 \
    $PACS $PORT > /tmp/studies.txt 2>&1
