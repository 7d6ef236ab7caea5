"""A run log in other forms: long table, CSV, Parquet, figures, summary."""
