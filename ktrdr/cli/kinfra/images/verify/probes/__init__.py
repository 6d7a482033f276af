"""Programs that run inside an image, sent to its interpreter through standard input.

They need nothing but what an image that is as it should be has, and print one line of
JSON.
"""
