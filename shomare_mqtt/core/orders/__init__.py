"""What is bought: buying, cancelling, settling, watching, checking. The ledger is the one place where orders change."""
