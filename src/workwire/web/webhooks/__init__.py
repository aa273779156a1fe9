"""The pages of webhooks: what was sent, what was not and why, who wants what, and what there is to want."""
