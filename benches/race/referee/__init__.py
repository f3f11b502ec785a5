"""What `run`, `cost` and `scale` share: who races, over what, how it is measured, and how it is told."""

from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
