"""``kinfra images``: build the images, prove them from the inside, weigh them."""
