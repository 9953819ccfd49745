"""What models/catalog.toml of this program is: its sha256, written by `python -m scripts.seal_catalog`."""

SHIPPED_SEAL = "b72ccea39e623738f98fad91d48dcd50d701fdb9dc22626f66c5885d7268dc28"
