"""What is not ours: ports to payment providers, paper, files and rent rolls, with their adapters.

Each port has an honest fake or a real counterpart that runs on this machine: tests use those.
"""
