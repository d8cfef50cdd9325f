"""What the daemon decides; no input or output of its own."""
