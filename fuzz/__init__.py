"""Coverage-guided fuzzing of what strangers' bytes meet first: `nox -s fuzz`."""
