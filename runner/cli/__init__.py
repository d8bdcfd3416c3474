"""The command line: one module for each command, one place that turns errors into exit statuses."""
