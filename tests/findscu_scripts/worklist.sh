#!/bin/bash
FINDSCU=/usr/local/bin/findscu
STATION=${STATION:-CT1}
$FINDSCU -W -aet "$STATION" -aec RIS \
  -k "(0040,0100)[0].Modality=CT" \
  -k "(0040,0100)[0].ScheduledStationAETitle=$STATION" \
  -k "(0040,0100)[0].ScheduledProcedureStepStartDate=$(date +%Y%m%d)" \
  -k PatientName ris.example.org 105 -X -od /var/worklist
