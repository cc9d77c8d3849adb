"""The panes beside the main view, with one crosshair, grey windows and comparing."""
