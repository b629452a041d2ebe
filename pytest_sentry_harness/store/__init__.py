"""What arrived: the durable writer and the few questions the judge asks."""
