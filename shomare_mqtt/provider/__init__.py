"""The provider's REST API, and its simulator."""
