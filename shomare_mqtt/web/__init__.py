"""What the daemon answers over HTTP: its figures, and whether it works. Imported only where a setting asks for it."""
