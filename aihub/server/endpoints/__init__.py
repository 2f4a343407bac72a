"""What answers each route: a handler takes the call and returns the response."""
