"""The words of conformance: at each stage, a clause has a status, and a rule that is broken gives a finding."""

from framework.conformance.finding import Finding
from framework.conformance.rule import Rule, Severity
from framework.conformance.stage import Stage
from framework.conformance.verdict import Status, Verdict

__all__ = ["Finding", "Rule", "Severity", "Stage", "Status", "Verdict"]
