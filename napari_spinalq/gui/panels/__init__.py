"""The parts of the dock: widgets that say what the user wants and show what they are told."""
