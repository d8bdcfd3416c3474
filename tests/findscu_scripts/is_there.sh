#!/bin/sh
# Is the study there?
if findscu -S -k 0008,0052=STUDY -k "0020,000d=$1" "$2" "${3:-104}" | grep -q "RESPONSE: 1"; then
    echo there
else
    echo not there
fi
