"""ktrdr: research neuro-fuzzy trading strategies, from bars to an honest report."""
