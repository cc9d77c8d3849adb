"""The dock along the cord: the straightened strip and the profile."""
