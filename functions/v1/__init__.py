"""Version 1 of the HTTP API: bodies, routes, and who may call them."""
