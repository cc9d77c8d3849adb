"""The cord: its centerline, the straightened view, and its segmentation."""
