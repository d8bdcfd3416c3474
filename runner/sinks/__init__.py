"""Where responses go: files that appear whole or not at all, and stdout."""
