"""The passes that make a graph of a spec, one after the other: see `graphnn.graph._building`.

Each is a function of what the ones before it gave, and reports what is wrong. What it cannot give
is `FAULTY`, and later passes keep quiet about that.
"""
