"""The figures that this repository publishes: kept predictions in docs/results, and the tables made from them."""
