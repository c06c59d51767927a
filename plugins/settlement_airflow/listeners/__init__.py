"""Listeners: what fails is reported once."""
