"""The documents that are made from the code (`python -m tests.docs`), and what keeps all of them true."""
