"""The command line of DCMTK's findscu as a front end: argv becomes a job, or the text of a job file."""
