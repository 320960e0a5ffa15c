"""What the provider promised: one promise, one file; a check imports neither monitor nor other checks."""
