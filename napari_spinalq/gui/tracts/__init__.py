"""The page "Tracts": maps of diffusion and magnetisation transfer, tracts on the image, and their values."""
