"""What healthy people measure, and where a value lies among them."""
