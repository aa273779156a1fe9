"""Stories in a real browser, on a running server: by role and label, without sleeping."""
