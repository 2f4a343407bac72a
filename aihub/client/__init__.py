"""Asking a server: what programs and commands of ours send to one."""
