"""The networks, and what is put together from them."""
