-- named: Everything that looks like a digest of the artifact store: what operations
-- were asked, what they gave, and the checkpoints of those that may be gone on with.
SELECT DISTINCT found[1] AS digest
FROM ktrdr.operations,
    regexp_matches(
        concat_ws(
            ' ',
            request::text,
            result::text,
            CASE WHEN state <> 'completed' THEN checkpoints::text END
        ),
        '[0-9a-f]{64}',
        'g'
    ) AS found
