"""Synthetic landing data: a plausible service, every bucket of the rules, any size, same seed same bytes."""

from settlement.landing.generator.calendar import Span, parse_months
from settlement.landing.generator.run import Written, default_options, generate
from settlement.landing.generator.world import Options

__all__ = ["Options", "Span", "Written", "default_options", "generate", "parse_months"]
