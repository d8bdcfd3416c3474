"""The job file as a front end: YAML becomes a job, or problems with their lines and what to do."""
