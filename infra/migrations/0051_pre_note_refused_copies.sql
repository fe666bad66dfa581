-- Runs before the code that needs it. To whom a copy on paper was not given while a measure stood, after a harm assessment.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE measure_version ADD COLUMN copies_refused text[]; -- `order:person:date` of each; null: none

-- The column is history like the others: the chain seals it from here on.
SELECT keep_history('measure_version', 'measure_id || ''/'' || version');
