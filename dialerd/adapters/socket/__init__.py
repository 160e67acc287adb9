"""The local socket: commands from a shell on the host, proven by the kernel (O03)."""
