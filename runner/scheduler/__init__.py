"""`cfind schedule` at work: runs jobs at their times until it is told to end."""
