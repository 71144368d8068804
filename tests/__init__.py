"""Tests: sentences that are true. Given, when, then; nothing of ours is mocked."""
