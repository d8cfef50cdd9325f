"""The page in a real browser: Chromium, driven by playwright, before a daemon with everything behind it."""
