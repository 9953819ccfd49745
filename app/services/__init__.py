"""What may take its time: services in a process of their own, at low priority, each a client of the engine."""
