"""What aihub costs, beside a bare server that does nothing else. `python -m bench --help`."""
