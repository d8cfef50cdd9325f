"""What can be had: the lists and their labels, prices, the account, the defaults, and how the provider stands."""
