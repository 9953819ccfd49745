"""What developers and launchers run; no part of the product."""
