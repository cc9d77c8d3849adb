"""What a reader is shown, as plain arrays: grey windows, pictures, surfaces, outlines, and two scans side by side."""
