"""What is kept of runs: who runs, what came of it, and how far it got."""
