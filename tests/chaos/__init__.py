"""The portal under faults: real workers, beat, web, gateway, PostgreSQL and Redis of its own, struck by a seed's choice.

`make chaos SEED=n`, `make soak`, and a short run of two seeds in `make test`. Nothing of the portal imports this package, and
no image holds it. The judge is the gateway's own credit log: what must be paid, what must be with people and how often is
worked out from what the gateway was told to do and says it did, never from our tables.
"""
