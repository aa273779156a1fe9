"""The first pages: what runs here, signing in and out."""
