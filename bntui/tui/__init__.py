"""What a person sees: textual and plotext, never torch."""
