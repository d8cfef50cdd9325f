"""Tests of Home Assistant's discovery."""
