-- What a migration does beside its files.

-- name: unsealed_tables
-- The tables of history of which nobody has said yet that each row has a seal.
SELECT DISTINCT s.table_name
  FROM history_shape s
 WHERE NOT EXISTS (SELECT FROM pg_constraint c
                    WHERE c.conrelid = to_regclass(quote_ident(s.table_name)) AND c.conname = 'sealed' AND c.convalidated)
 ORDER BY s.table_name;

-- name: blocks
-- How many blocks a table has.
SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint;

-- name: seal_baseline
-- Seals the older rows of a stretch of blocks.
SELECT seal_baseline($1, $2, $3);
