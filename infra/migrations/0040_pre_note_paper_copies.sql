-- Runs before the code that needs it. What was given on paper while a measure stood, after a harm assessment: it is recorded
-- in the measure, and ends to count with it.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE measure_version ADD COLUMN copies text[]; -- `order:person:date` of each; null: none

-- The column is history like the others: the chain seals it from here on.
SELECT keep_history('measure_version', 'measure_id || ''/'' || version');
