"""What the provider promised: one promise, one file; a check never imports the monitor."""
