"""What the provider promised: one promise, one file, all of it pure."""
