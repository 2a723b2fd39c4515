"""The closed referral loop over HTTP: the scenarios as stories, each told by the organisations that act in it."""
