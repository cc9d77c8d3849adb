"""What changes a mask by hand: the brush, the tools of the page Correct, and the review of slices."""
