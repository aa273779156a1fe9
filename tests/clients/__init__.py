"""Clients that generators make of the OpenAPI document; `generate` makes and compiles those in other languages, too."""
