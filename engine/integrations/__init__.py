"""What other programs of this machine talk to, or are talked to by."""
