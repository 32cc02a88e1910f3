"""A mocked gateway: VNeID and the banks behind one port, with its own durable store.

It is written from docs/gateway-contract.md alone and knows nothing of the portal's code, so that what it saw and paid
is a second, independent truth with which tests compare the portal's books.
"""
