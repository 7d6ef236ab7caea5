"""Training: data set, trainer, and interventions between steps."""
