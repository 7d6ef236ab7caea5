"""The screens beside the lab itself."""
