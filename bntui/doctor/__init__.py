"""Why a model is fine in train() and broken in eval(): rules over numbers, with the evidence."""
