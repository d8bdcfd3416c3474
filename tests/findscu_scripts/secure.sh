#!/bin/sh
findscu +tls client.key client.pem +pw sesame +cf ca.pem -S -k 0008,0052=STUDY -k 0010,0010="O'BRIEN*" pacs 2762
findscu +tla -ic -S -k 0008,0052=STUDY -k 0010,0010='M"X' pacs 2762 && echo ok
