"""The journal of edits in the window: recording, undo, recovery, locks."""
