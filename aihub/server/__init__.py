"""HTTP: requests and responses as values, the app that answers them, drivers that carry bytes."""
