#!/bin/bash
set -e
export DCMDICTPATH
for modality in CT MR "US"; do
    for day in 20240101 20240102; do
        findscu -v -S -k 0008,0052=STUDY -k ModalitiesInStudy=$modality -k 0008,0020=$day -X localhost 11112
    done
done
