"""Where a feed's token comes from and how it is kept; it never imports the hub."""
