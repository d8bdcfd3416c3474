findscu -P pacs 104 patqry.dcm; findscu -S pacs 104 studqry.dcm other.dcm --repeat 2
findscu @common.txt -k 0010,0020=A 'my pacs' 104
