"""Laws of ops and of networks, each a function that raises `BrokenLaw` where it is broken.

``checks.py`` applies those of ops to drawn cases, ``networks.py`` holds those of networks.
"""
