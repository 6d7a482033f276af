"""Files of other programs: which rows and columns they hold, and what times mean."""
