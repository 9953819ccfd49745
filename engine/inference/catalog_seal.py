"""What models/catalog.toml of this program is: its sha256, written by `python -m scripts.seal_catalog`."""

SHIPPED_SEAL = "0963924f8c95a28a1aa6f00d43f4c428476be9d818d26ddd1330a806b50fda1d"
