"""What is handed on: an HTML report and its figures."""
