"""What a finished checkpoint costs: FLOPs, time, memory, energy, parameters."""
