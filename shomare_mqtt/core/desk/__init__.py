"""What was asked: commands taken and answered, double presses, queries."""
