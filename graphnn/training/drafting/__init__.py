"""Specs drafted from data: a table or a folder of images, and a network that suits it."""
