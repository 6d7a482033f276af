-- The trace that an operation is part of: W3C's traceparent of the span that created
-- it, which every attempt at it continues; NULL if nobody traces.
ALTER TABLE ktrdr.operations ADD COLUMN traceparent text;
