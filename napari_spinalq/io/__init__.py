"""Files in and out: what is read is checked at the door, what is written is whole or not there."""
