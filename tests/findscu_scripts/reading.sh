#!/bin/bash
while read -r acc; do
    findscu -S -k 0008,0052=STUDY -k 0008,0050="$acc" -k 0020,000d pacs 104 >> out.log
done < accessions.txt
COUNT=$(findscu -S -k 0008,0052=STUDY -k 0010,0010 pacs 104 | grep -c RESPONSE)
eval "findscu $ARGS pacs 104"
findscu -Z pacs 104
