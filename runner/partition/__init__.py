"""How a C-FIND that hits a cap is cut into smaller ones, and what they leave open."""
