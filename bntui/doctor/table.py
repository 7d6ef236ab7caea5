"""The catalogue as the table in README.md beside this file.

`python -m bntui.doctor.table` writes it between the markers.
"""

from pathlib import Path

from bntui.doctor.catalogue import RULES

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def with_table(text: str) -> str:
    """`text` with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """A row a rule."""
    rows = [
        (f"`{rule.id}`", rule.severity, rule.certainty, rule.measures, rule.threshold, rule.fix)
        for rule in RULES.values()
    ]
    head = [("rule", "severity", "certainty", "measures", "threshold", "fix"), ("---",) * 6]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
        for row in [*head, *rows]
    )


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
