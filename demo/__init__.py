"""The demonstration: a real daemon, real AMI on TCP, and a stage of customers and agents behind it."""
