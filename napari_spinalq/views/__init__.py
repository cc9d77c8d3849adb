"""What a reader is shown, as plain arrays: grey windows, pictures, surfaces, directions, and two scans side by side."""
