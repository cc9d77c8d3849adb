"""What a reader is shown of a scan, as plain arrays: grey windows, pictures, surfaces, two scans side by side,
outlines of tracts, and directions.
"""
