"""Sample patterns that run: small programs around Workwire's public API, in Python alone. README.md says how to start them."""
