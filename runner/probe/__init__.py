"""What a peer does with C-FINDs, learned from a few of them."""
