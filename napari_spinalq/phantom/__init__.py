"""Digital cords with known truth."""
