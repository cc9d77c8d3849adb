"""What is known of the healthy cord: figures per vertebral level and the shape of the grey matter."""
