"""A small eBay over real HTTP, for tests, the demo and benchmarks. Imports nothing of the product."""
