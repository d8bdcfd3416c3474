"""The engine: runs a job's operations over associations and hands the responses to the sinks."""
