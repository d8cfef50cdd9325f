"""`shomare-mqtt doctor`: looks at everything that the daemon needs, changes nothing, and never buys."""
