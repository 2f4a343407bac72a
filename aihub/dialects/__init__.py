"""Wire JSON <-> values: pure codecs, no I/O."""
