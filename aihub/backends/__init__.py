"""What a hub is made of: each backend implements a protocol and knows no other layer."""
