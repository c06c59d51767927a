"""The landing contract in one place: what arrives, how it is read, who may produce it."""
