"""Tests of the provider client."""
