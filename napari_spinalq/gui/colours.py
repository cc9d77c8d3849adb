"""Colours of what is drawn on images: the palette of Okabe and Ito, as in the report."""

CORD_COLOUR, DISC_COLOUR, GUESS_COLOUR = "#E69F00", "#56B4E9", "#CC79A7"
"""Orange, sky blue and purple."""

STRUCTURE_COLOURS = {"cord": CORD_COLOUR, "gm": "#009E73", "canal": "#56B4E9"}
"""Of the masks: orange, bluish green and sky blue."""

OTHER_COLOUR = "#CC79A7"
"""Reddish purple: whatever is shown for comparison only and cannot be edited."""
