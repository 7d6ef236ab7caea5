"""What is recorded at which step."""
