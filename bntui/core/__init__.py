"""What learns and what measures: torch, and nothing that draws."""
