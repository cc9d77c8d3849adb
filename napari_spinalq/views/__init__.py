"""What a reader is shown of a scan, as plain arrays: grey windows, pictures, surfaces and two scans side by side."""
