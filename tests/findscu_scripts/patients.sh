#!/bin/sh
for id in $(cat ids.txt)
do
  findscu -P -k 0008,0052=PATIENT -k "0010,0020=${id}" -k 0010,0010 pacs 104 || exit 1
done
