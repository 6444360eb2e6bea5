"""`python -m tests.chaos`: 5,000 posts, 20 kills; prints what happened and what was found. Exits with 1 on a fault."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.chaos.run import Plan, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--troubles", type=int, default=40, help="of the gateway, the database, permissions")
    parser.add_argument("--pace", type=float, default=40.0, help="things that happen in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", choices=["keyword", "weights"], default="keyword")
    parser.add_argument("--folder", type=Path, help="keep database and log there")
    options = vars(parser.parse_args())
    folder = options.pop("folder")
    with tempfile.TemporaryDirectory() as temporary:
        outcome = asyncio.run(run(Plan(**options), folder or Path(temporary)))
    print(f"seed {options['seed']}, {options['posts']} posts, model {options['model']}")
    for title, counts in (
        ("What people did", outcome.storm.done),
        ("What went wrong", outcome.happened),
        ("What the records hold", outcome.audit.counts),
    ):
        _print(title, counts)
    print(f"faults: {len(outcome.audit.faults)}", *outcome.audit.faults[:20], sep="\n  ")
    sys.exit(bool(outcome.audit.faults) or outcome.exit_code)


def _print(title: str, counts: "Counter[str]") -> None:
    print(title)
    for name, count in counts.most_common():
        print(f"  {name:<34}{count:>8}")


if __name__ == "__main__":
    main()
