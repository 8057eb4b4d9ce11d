"""Use cases: take a Cloud, hold the order of things. `reconcile` is the heart."""
