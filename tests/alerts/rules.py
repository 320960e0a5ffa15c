"""The alert rules and their tests as the files in alerts/ state them."""

from pathlib import Path
from typing import Any

import yaml

ALERTS = Path(__file__).resolve().parents[2] / "alerts"

Rule = dict[str, Any]


def rule_files() -> list[Path]:
    return sorted(ALERTS.glob("*.rules.yml"))


def rules_of(file: Path) -> list[Rule]:
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def all_rules() -> list[Rule]:
    return [rule for file in rule_files() for rule in rules_of(file)]


def alerting_rules() -> list[Rule]:
    return [rule for rule in all_rules() if "alert" in rule]


def story_files() -> list[Path]:
    return sorted((ALERTS / "tests").glob("*.test.yml"))
