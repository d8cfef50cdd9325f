"""Bridges the SMS-number provider shomare.online to MQTT and Home Assistant."""

__version__ = "1.0.0"
