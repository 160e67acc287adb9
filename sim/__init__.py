"""The street of customers, agents and lines that dialerd is simulated, shown and tested against."""
