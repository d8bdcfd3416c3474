#!/bin/sh
cat <<EOF
findscu is explained here: findscu -S pacs 104
EOF
echo "run findscu -S by hand"   # findscu in a comment
HOST=a; findscu -S -k 0008,0052=STUDY -k 0010,0020=1 $HOST 104
HOST=b; timeout 5 findscu -S -k 0008,0052=STUDY -k 0010,0020=2 $HOST 104 &
HOST=c
findscu -S -k 0008,0052=STUDY -k 0010,0020=3 $HOST $((100+4))
for f in *.dcm; do findscu -S pacs 104 "$f"; done
