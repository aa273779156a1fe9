"""What people are told. The events it will read are those of `reactions.webhooks.events`."""
