"""The house rules, each with a planted violation that proves that its test can fail."""
